"""A packer answers for a simplified file: the command, and what verify then says."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from bodyscan.cli.consent import app
from bodyscan.consent.binding import bind
from bodyscan.consent.content import content_of
from bodyscan.consent.demo import make_demo_consent
from bodyscan.consent.key_files import save_private_key
from bodyscan.consent.seal import seal
from bodyscan.gltf.consent_copies import consent_copies
from bodyscan.gltf.container import unpack_glb
from bodyscan.gltf.write import twin_to_glb
from consent.people import NOW, STRANGER
from gltf.shapes import small_twin

JUNE = "2026-06-01T00:00:00Z"
DEMO = make_demo_consent("Ada")


def run(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, (result.output, result.exception)
    return result


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A twin that a tool has put on a grid of five millimetres, with the consent of the original."""
    twin = small_twin()
    about = seal(content_of(twin.rig, twin.morphs))
    text = bind(DEMO.text, about, DEMO.controller_key, created_at=NOW, software="test")
    coarse = np.round(twin.rig.mesh.vertices / 0.005) * 0.005
    rig = replace(twin.rig, mesh=replace(twin.rig.mesh, vertices=coarse))
    (tmp_path / "coarse.glb").write_bytes(twin_to_glb(replace(twin, rig=rig, consent=text)))
    save_private_key(DEMO.controller_key, tmp_path / "studio.jwk")
    save_private_key(STRANGER, tmp_path / "stranger.jwk")
    return tmp_path


def test_a_packers_word_makes_a_simplified_file_valid(folder: Path) -> None:
    before = (folder / "coarse.glb").read_bytes()
    assert run("verify", folder / "coarse.glb", "--now", JUNE, code=4).stdout.startswith("deny")
    made = folder / "attested.glb"
    run("reattest", folder / "coarse.glb", "--key", folder / "studio.jwk", "-o", made, "--now", JUNE)
    again = run("reattest", made, "--key", folder / "studio.jwk", "-o", folder / "b.glb", "--now", JUNE)
    assert "it was not needed: the file is reattested as it is" in again.stdout
    answer = json.loads(run("verify", made, "--now", JUNE, "--json").stdout)
    assert (answer["decision"], answer["geometry"]) == ("allow", "reattested")
    assert 1 < answer["moved_mm"] < 10
    document, _ = unpack_glb(made)
    assert len(set(consent_copies(document).values())) == 1
    assert len(consent_copies(document)) == 3
    assert (folder / "coarse.glb").read_bytes() == before


def test_strangers_and_inputs_are_refused(folder: Path) -> None:
    made = folder / "attested.glb"
    key = ("--key", folder / "stranger.jwk", "-o", made, "--now", JUNE)
    assert "may not repack" in run("reattest", folder / "coarse.glb", *key, code=3).stderr
    key = ("--key", folder / "studio.jwk", "-o", folder / "coarse.glb")
    assert "is an input of this very run" in run("reattest", folder / "coarse.glb", *key, code=3).stderr
    assert not made.exists()
