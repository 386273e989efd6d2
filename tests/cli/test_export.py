from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bodyscan.cli.main import app
from bodyscan.gltf import GltfOptions, read_glb
from bodyscan.gltf.container import unpack_glb
from cli.twins import write_annas_twin

USE = ("--territory", "DE", "--medium", "web", "--licensee", "Shop")


def run(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(app, ["export", *(str(argument) for argument in arguments)])
    assert result.exit_code == code, (result.output, result.exception)
    return result


def refused(twin: Path, output: Path, *arguments: object, code: int) -> str:
    """The message, after checking that nothing was written."""
    before = output.read_bytes() if output.exists() else None
    message = run(twin, "-o", output, *arguments, code=code).stderr
    assert (output.read_bytes() if output.exists() else None) == before
    return " ".join(message.split())


@pytest.fixture(scope="module")
def twin(tmp_path_factory) -> Path:
    return write_annas_twin(tmp_path_factory.mktemp("anna") / "anna.glb")


def test_the_master_is_handed_over_as_it_is(twin, tmp_path):
    output = tmp_path / "out.glb"
    values = json.loads(run(twin, "-o", output, *USE, "--json").stdout)
    assert output.read_bytes() == twin.read_bytes()
    assert values["geometry"] == "exact"
    assert values["size_bytes"] == output.stat().st_size


@pytest.mark.parametrize("profile", ["web", "mobile"])
def test_a_packed_copy_stays_bound_to_its_person(twin, tmp_path, profile):
    output = tmp_path / "out.glb"
    values = json.loads(run(twin, "-o", output, *USE, "--profile", profile, "--json").stdout)
    assert values["geometry"] in ("exact", "repacked")
    assert values["moved_mm"] < 0.1
    document, _ = unpack_glb(output)
    assert "EXT_meshopt_compression" in document["extensionsRequired"]
    assert read_glb(output).consent == read_glb(twin).consent
    verified = CliRunner().invoke(app, ["consent", "verify", str(output)])
    assert verified.exit_code == 0, verified.output


def test_a_target_that_takes_no_packing_gets_what_it_takes(tmp_path):
    twin = write_annas_twin(tmp_path / "unreal.glb", GltfOptions(target="unreal"), pose="a")
    text = run(twin, "-o", tmp_path / "out.glb", *USE, "--profile", "web").stdout
    assert "Left out, as the target unreal does not read it" in text


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--territory", "DE", "--medium", "web", "--licensee", "Nobody"), "Nobody is no licensee"),
        (("--territory", "FR", "--medium", "web", "--licensee", "Shop"), "territory FR is not allowed"),
        (("--territory", "DE", "--medium", "web"), "not stated to whom the file goes"),
        ((*USE, "--purpose", "animation"), "purpose animation is not allowed"),
    ],
)
def test_an_export_that_the_record_does_not_cover_is_refused(twin, tmp_path, arguments, reason):
    assert reason in refused(twin, tmp_path / "out.glb", *arguments, code=4)


def test_a_record_without_export_is_refused(tmp_path):
    twin = write_annas_twin(
        tmp_path / "anna.glb", scope__purposes=["make_twin", "render"], scope__redistribution="none"
    )
    assert "purpose export is not allowed" in refused(twin, tmp_path / "out.glb", *USE, code=4)


def test_packing_needs_a_record_that_lets_the_format_be_changed(tmp_path):
    twin = write_annas_twin(tmp_path / "anna.glb", scope__modification="none")
    output = tmp_path / "out.glb"
    message = refused(twin, output, *USE, "--profile", "web", code=4)
    assert "needs the modification format, and the record allows none" in message
    run(twin, "-o", output, *USE)


def test_a_packed_file_is_handed_over_but_not_packed_again(twin, tmp_path):
    first, second = tmp_path / "first.glb", tmp_path / "second.glb"
    run(twin, "-o", first, *USE, "--profile", "web")
    assert "packed already" in refused(first, second, *USE, "--profile", "mobile", code=3)
    run(first, "-o", second, *USE)
    assert second.read_bytes() == first.read_bytes()


def test_the_input_is_never_written_over(twin):
    before = twin.read_bytes()
    assert "is an input of this very run" in run(twin, "-o", twin, *USE, code=3).stderr
    assert twin.read_bytes() == before


def test_another_ending_and_a_missing_file_are_refused(twin, tmp_path):
    assert "must end in .glb" in refused(twin, tmp_path / "out.vrm", *USE, code=3)
    assert "There is no file" in refused(tmp_path / "none.glb", tmp_path / "out.glb", *USE, code=3)
