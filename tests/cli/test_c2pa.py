from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from bodyscan.cli.consent import app
from bodyscan.gltf.container import pack_glb, unpack_glb
from bodyscan.gltf.read import read_consent
from bodyscan.mark import MarkInfo, read_mark, save_marked
from consent.authority import certify
from consent.people import signed
from mark.c2pa_files import USAGES, VALID

pytest.importorskip("c2pa", reason="needs the `c2pa` extra")

NOW = "2026-06-01T00:00:00Z"


def run(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(app, ["c2pa", *(str(argument) for argument in arguments)])
    assert result.exit_code == code, (result.output, result.exception)
    return result


@pytest.fixture
def folder(tmp_path: Path, twin_file: Path) -> Path:
    """A folder with a twin, a certificate, its key and the root above it."""
    root = certify("Root", ca=True, valid=VALID)
    signer = certify("Atelier", root, usages=USAGES, critical=False, valid=VALID)
    (tmp_path / "root.pem").write_bytes(root.pem)
    (tmp_path / "chain.pem").write_bytes(signer.pem)
    (tmp_path / "key.pem").write_bytes(signer.key_pem)
    (tmp_path / "key.pem").chmod(0o600)
    (tmp_path / "locked.pem").write_bytes(signer.locked_key_pem("open sesame"))
    (tmp_path / "locked.pem").chmod(0o600)
    (tmp_path / "passphrase").write_text("open sesame\n")
    shutil.copy(twin_file, tmp_path / "twin.glb")
    return tmp_path


def write(folder: Path, *more: object, code: int = 0) -> Result:
    """Write the manifest of the twin."""
    options = ("--certificate", folder / "chain.pem", "--key", folder / "key.pem", "--now", NOW)
    return run(folder / "twin.glb", *options, *more, code=code)


def check(folder: Path, *more: object, code: int = 0) -> dict:
    """Check the manifest of the twin."""
    options = ("--check", "--anchor", folder / "root.pem", "--json")
    return json.loads(run(folder / "twin.glb", *options, *more, code=code).output)


def test_a_manifest_is_written_beside_the_twin_and_checked(folder: Path) -> None:
    before = (folder / "twin.glb").read_bytes()
    assert "CN=Atelier" in write(folder).output
    assert (folder / "twin.glb").read_bytes() == before
    report = check(folder)
    assert report["verdict"] == "sound"
    assert report["signer"] == "Clock House / Atelier"
    text, _, _ = read_consent(before)
    assert text is not None
    assert report["record_id"] in str(write(folder, "--overwrite", "--json").output)


def test_a_twin_that_was_changed_after_its_manifest_is_denied(folder: Path) -> None:
    write(folder)
    document, binary = unpack_glb(folder / "twin.glb")
    document["asset"]["generator"] = "somebody else"
    (folder / "twin.glb").write_bytes(pack_glb(document, binary))
    assert check(folder, code=4)["verdict"] == "altered"


def test_a_manifest_without_a_known_root_is_denied(folder: Path) -> None:
    write(folder)
    result = run(folder / "twin.glb", "--check", code=4)
    assert "untrusted" in result.output
    assert "no anchor that you gave" in result.output


def test_a_twin_without_a_manifest_is_denied(folder: Path) -> None:
    assert check(folder, code=4)["verdict"] == "missing"


def test_the_manifest_of_another_twin_is_denied(folder: Path) -> None:
    write(folder)
    (folder / "other.c2pa").write_bytes((folder / "twin.c2pa").read_bytes())
    document, binary = unpack_glb(folder / "twin.glb")
    document["asset"]["copyright"] = "x"
    shutil.copy(folder / "twin.glb", folder / "kept.glb")
    (folder / "twin.glb").write_bytes(pack_glb(document, binary))
    write(folder, "--overwrite")
    assert check(folder)["verdict"] == "sound"
    assert check(folder, "--manifest", folder / "other.c2pa", code=4)["verdict"] == "altered"


def test_a_locked_key_is_opened_by_its_passphrase(folder: Path) -> None:
    locked = ("--certificate", folder / "chain.pem", "--key", folder / "locked.pem", "--now", NOW)
    assert "is locked; give its passphrase" in run(folder / "twin.glb", *locked, code=3).output
    run(folder / "twin.glb", *locked, "--passphrase-file", folder / "passphrase")
    assert check(folder)["verdict"] == "sound"


def test_no_manifest_is_written_for_a_consent_that_does_not_hold(folder: Path) -> None:
    message = write(folder, "--now", "2001-01-01T00:00:00Z", code=4).output
    assert "later than now" in message
    assert not (folder / "twin.c2pa").exists()


def test_no_manifest_is_written_for_another_body(folder: Path) -> None:
    document, binary = unpack_glb(folder / "twin.glb")
    changed = np.frombuffer(binary, np.uint8).copy()
    accessor = document["accessors"][document["meshes"][0]["primitives"][0]["attributes"]["POSITION"]]
    view = document["bufferViews"][accessor["bufferView"]]
    start = view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
    points = changed[start : start + 12 * accessor["count"]].view(np.float32)
    points *= 1.05
    (folder / "twin.glb").write_bytes(pack_glb(document, changed.tobytes()))
    write(folder, code=4)


def test_the_key_of_another_certificate_is_refused(folder: Path) -> None:
    (folder / "key.pem").write_bytes(certify("Other").key_pem)
    assert "does not belong to the first certificate" in write(folder, code=3).output


def test_an_existing_manifest_is_not_written_over(folder: Path) -> None:
    write(folder)
    assert "exists already" in write(folder, code=3).output


def test_a_twin_without_a_consent_gets_no_manifest(folder: Path) -> None:
    document, binary = unpack_glb(folder / "twin.glb")
    text = json.dumps(document).replace("BODYSCAN_consent", "X_consent").replace("bodyscan:consent", "x:c")
    document = json.loads(text.replace('"consent"', '"was_consent"'))
    (folder / "twin.glb").write_bytes(pack_glb(document, binary))
    assert "no consent record" in write(folder, code=4).output


def test_a_picture_is_signed_under_a_record_and_checked(folder: Path) -> None:
    record_id = "00000000-0000-4000-8000-000000000001"
    info = MarkInfo(record_id, "Anna 7", "render", "bodyscan test", "0123456789abcdef")
    picture = save_marked(np.full((200, 300, 3), 90, np.uint8), folder / "a.png", info)
    record, out = folder / "anna.json", folder / "b.png"
    record.write_text(signed())
    keys = ("--certificate", folder / "chain.pem", "--key", folder / "key.pem")
    before = picture.read_bytes()
    run(picture, *keys, "--record", record, "-o", out)
    assert picture.read_bytes() == before
    assert (np.asarray(Image.open(out)) == np.asarray(Image.open(picture))).all()
    assert read_mark(out) == read_mark(picture)
    checked = ("--check", "--anchor", folder / "root.pem")
    assert "sound" in run(out, *checked, "--record", record).output
    record.write_text(signed(record_id="00000000-0000-4000-8000-000000000002"))
    assert "another consent" in run(out, *checked, "--record", record, code=4).output


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "give --certificate and --key"),
        (("--check", "--key", "key.pem"), "--check takes --anchor"),
        (("--record", "a.json"), "are for pictures"),
        (("--certificate", "c.pem", "--key", "k.pem", "--anchor", "r.pem"), "--anchor is for --check"),
    ],
)
def test_options_that_do_not_go_together_are_refused(folder: Path, options: tuple, words: str) -> None:
    assert words in run(folder / "twin.glb", *options, code=3).output


def test_a_picture_needs_a_record_and_an_output(folder: Path) -> None:
    Image.new("RGB", (50, 50)).save(folder / "a.png")
    keys = ("--certificate", folder / "chain.pem", "--key", folder / "key.pem")
    assert "for a picture give --record" in run(folder / "a.png", *keys, code=3).output
    assert "--manifest is for twins" in run(folder / "a.png", "--manifest", "x.c2pa", code=3).output


def verified(folder: Path, code: int = 0) -> dict:
    """What `consent verify` says of the twin and the manifest beside it."""
    options = ["--now", NOW, "--json", "--c2pa-anchor", str(folder / "root.pem")]
    result = CliRunner().invoke(app, ["verify", str(folder / "twin.glb"), *options])
    assert result.exit_code == code, (result.output, result.exception)
    return json.loads(result.output)


def test_verify_tells_of_the_manifest_beside_a_twin(folder: Path) -> None:
    assert verified(folder)["c2pa"] == {
        "verdict": "missing",
        "reason": "no twin.c2pa lies beside the file",
    }
    write(folder)
    assert verified(folder)["c2pa"]["verdict"] == "sound"


def test_a_manifest_of_another_file_denies(folder: Path) -> None:
    write(folder)
    document, binary = unpack_glb(folder / "twin.glb")
    (folder / "twin.glb").write_bytes(pack_glb(document | {"extras": {"note": "harmless"}}, binary))
    answer = verified(folder, code=4)
    assert (answer["decision"], answer["status"]) == ("deny", "altered")
    assert "the C2PA manifest beside it does not fit" in answer["reason"]
