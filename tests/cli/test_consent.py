from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from bodyscan.cli.consent import app
from bodyscan.consent.binding import bind
from bodyscan.consent.content import content_of
from bodyscan.consent.demo import make_demo_consent
from bodyscan.consent.seal import seal
from bodyscan.consent.strict_json import canonical
from bodyscan.gltf.container import pack_glb, unpack_glb
from bodyscan.gltf.write import twin_to_glb
from consent.people import NOW
from gltf.shapes import small_twin

JUNE = "2026-06-01T00:00:00Z"
DEMO = make_demo_consent("Ada")


def run(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, (result.output, result.exception)
    return result


def answer(*arguments: object, code: int = 0) -> str:
    """Return the first line of what `verify` says: the decision, the state and the reason."""
    return " ".join(run("verify", *arguments, code=code).stdout.splitlines()[0].split())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the keys of a person and a studio, made by the command itself."""
    run("keygen", tmp_path / "anna.pem")
    run("keygen", tmp_path / "studio.jwk")
    return tmp_path


DRAFT = """
separate_document = true
[subject]
pseudonym = "Anna 7"
public_key = "anna.pub.pem"
[controller]
name = "Atelier"
contact = "mailto:a@atelier.example.org"
public_key = "studio.pub.jwk"
[scope]
description = "Pictures for the web shop."
purposes = ["make_twin", "render"]
territories = ["DE"]
media = ["web"]
[term]
not_after = 2027-01-01T00:00:00Z
[pay]
kind = "per_use"
amount = "12.50"
currency = "EUR"
unit = "render"
due_days = 30
account = "ref-77"
[data]
categories = ["body_shape"]
lawful_basis = "explicit_consent"
places = ["DE"]
retention = "P1Y"
delete_by = 2028-01-01T00:00:00Z
[withdrawal]
method = "signed_statement"
address = "mailto:stop@atelier.example.org"
effect = "stop_all_uses"
"""


def new_record(folder: Path, *more: object) -> Path:
    path = folder / "record.json"
    (folder / "draft.toml").write_text(DRAFT)
    run("new", "-o", path, "--from", folder / "draft.toml", "--now", "2026-01-01T00:00:00Z", *more)
    return path


def signed_record(folder: Path) -> Path:
    path = new_record(folder)
    run("sign", path, "--role", "subject", "--key", folder / "anna.pem")
    run("sign", path, "--role", "controller", "--key", folder / "studio.jwk")
    return path


def glb(path: Path, *, bound: bool = True, thicker: float = 1.0, consent: str | None = None) -> Path:
    """Write a small twin; its binding, if any, is to the twin as it is before it gets `thicker`."""
    twin = small_twin()
    mesh = twin.rig.mesh
    text = DEMO.text
    if bound:
        about = seal(content_of(twin.rig, twin.morphs))
        text = bind(DEMO.text, about, DEMO.controller_key, created_at=NOW, software="test")
    shape = replace(mesh, vertices=mesh.vertices * [thicker, 1, thicker])
    twin = replace(twin, rig=replace(twin.rig, mesh=shape), consent=consent or text)
    path.write_bytes(twin_to_glb(twin))
    return path


def test_from_keys_to_a_valid_record(folder: Path) -> None:
    path = new_record(folder)
    before = answer(path, "--now", JUNE, code=4)
    assert before.startswith("deny stripped: it is a record that nobody has signed")
    told = run("sign", path, "--role", "subject", "--key", folder / "anna.pem").stdout
    assert "12.50 EUR for each picture" in told  # the person sees what they sign
    assert "the signature of the controller is missing" in answer(path, "--now", JUNE, code=4)
    run("sign", path, "--role", "controller", "--key", folder / "studio.jwk")
    assert answer(path, "--now", JUNE, "--purpose", "make_twin").startswith("allow valid: ")


def good() -> list[str]:
    return ["--now", JUNE, "--purpose", "render", "--territory", "DE-BY", "--medium", "web"]


def test_verify_says_each_state_and_its_exit_code(folder: Path) -> None:
    path = signed_record(folder)
    thumbprint = json.loads(run("keygen", folder / "x.jwk", "--json").stdout)["thumbprint"]
    cases = {
        "expired": ["--now", "2027-01-01T00:00:00Z"],
        "not yet valid": ["--now", "2025-12-31T23:59:59Z"],
        "not covered": ["--now", JUNE, "--purpose", "render", "--territory", "FR", "--medium", "web"],
        "untrusted": ["--now", JUNE, "--trust-person", thumbprint],
    }
    for state, arguments in cases.items():
        assert answer(path, *arguments, code=4).startswith(f"deny {state}: ")
    vague = ["--now", JUNE, "--purpose", "render", "--territory", "DE"]
    assert answer(path, *vague, code=7).startswith("unknown no medium is stated for the use")
    assert answer(path, *vague, "--fail-closed", code=4).startswith("deny unknown: no medium")
    values = json.loads(run("verify", path, *vague, "--json", code=7).stdout)
    assert (values["decision"], values["clause"]) == ("unknown", "scope.media")
    later = ["--now", JUNE, "--purpose", "make_twin", "--at", "2027-01-01T00:00:00Z"]
    assert answer(path, *later, code=4).startswith("deny expired")
    for facts in (["--licensee", "Shop"], ["--content", "nudity", "--licensee", "Shop"]):
        assert answer(path, *good(), *facts, code=4).startswith("deny not covered: Shop is no licensee")
    values = json.loads(run("verify", path, *good(), "--json").stdout)
    assert (values["status"], values["demo"], values["geometry_checked"]) == ("valid", False, False)


def test_an_edited_record_is_altered(folder: Path) -> None:
    path = signed_record(folder)
    document = json.loads(path.read_text())
    document["signatures"].reverse()
    first, second = (entry["signature"] for entry in document["signatures"])
    document["signatures"][0]["signature"], document["signatures"][1]["signature"] = second, first
    path.write_text(json.dumps(document))
    assert answer(path, "--now", JUNE, code=4).startswith("deny altered: ")
    assert "altered" in run("inspect", path, code=4).stderr
    values = json.loads(run("verify", path, "--now", JUNE, "--json", code=4).stdout)
    assert (values["status"], values["record_id"]) == ("altered", None)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe", "is not UTF-8 text"),
        (b"hello", "cannot be read: it is not JSON"),
        (b'{"payload": "", "payload": "x"}', "'payload' stands twice"),
        (b'{"payload": NaN}', "NaN is not a JSON number"),
        (b" " * 300_000, "too large for what it should be"),
        (b"glTF too short", "cut short"),
    ],
)
def test_an_unreadable_file_is_exit_code_3(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(content)
    result = run("verify", path, code=3)
    assert result.stderr.startswith("error: ")
    assert said in result.stderr
    assert result.stdout == ""
    assert run("verify", tmp_path / "none.json", code=3).stderr.endswith("No such file or directory.\n")


def test_a_twin_is_checked_against_its_own_geometry(tmp_path: Path) -> None:
    result = run("verify", glb(tmp_path / "a.glb"), "--now", JUNE, "--purpose", "render")
    assert result.stdout.startswith("allow")
    assert "exact" in result.stdout
    assert "places" not in result.stdout
    assert "DEMO" in result.stdout
    values = json.loads(run("verify", tmp_path / "a.glb", "--now", JUNE, "--json").stdout)
    assert (values["geometry_checked"], values["demo"]) == (True, True)
    told = run("inspect", tmp_path / "a.glb").stdout
    assert "bound to " in told
    assert "DEMO Ada" in told


def test_an_edited_body_is_altered_and_an_unbound_record_is_unbound(tmp_path: Path) -> None:
    path = glb(tmp_path / "a.glb", thicker=1.01)
    assert answer(path, "--now", JUNE, code=4).startswith("deny altered: its body is not as it was bound")
    path = glb(tmp_path / "b.glb", bound=False)
    assert answer(path, "--now", JUNE, code=4).startswith("deny unbound: it carries no binding")


def test_a_twin_whose_consent_was_taken_out_is_stripped(tmp_path: Path) -> None:
    document, binary = unpack_glb(glb(tmp_path / "a.glb"))
    for name in ("extensions", "extensionsUsed", "extras"):
        document.pop(name, None)
    for node in document["nodes"]:
        node.pop("extras", None)
    for mesh in document["meshes"]:
        mesh.pop("extras", None)
    (tmp_path / "a.glb").write_bytes(pack_glb(document, binary))
    assert answer(tmp_path / "a.glb", "--now", JUNE, code=4).startswith("deny stripped: there is no")
    assert "carries no consent record" in run("inspect", tmp_path / "a.glb", code=4).stderr


def test_a_twin_whose_copies_differ_is_altered(tmp_path: Path) -> None:
    document, binary = unpack_glb(glb(tmp_path / "a.glb"))
    extension = document["extensions"]["BODYSCAN_consent"]
    extension["record"] = DEMO.text
    (tmp_path / "a.glb").write_bytes(pack_glb(document, binary))
    assert answer(tmp_path / "a.glb", "--now", JUNE, code=4).startswith("deny altered: ")


@pytest.mark.parametrize(
    ("moved_m", "code", "said"),
    [(1e-4, 0, "repacked: its surface moved by up to 0.1"), (5e-3, 4, "altered: its body is not as")],
)
def test_a_moved_twin_vertex_is_seen_through_the_file(
    tmp_path: Path, moved_m: float, code: int, said: str
) -> None:
    twin = small_twin()
    about = seal(content_of(twin.rig, twin.morphs))
    text = bind(DEMO.text, about, DEMO.controller_key, created_at=NOW, software="test")
    moved = np.array(twin.rig.mesh.vertices)
    moved[5, 1] += moved_m
    rig = replace(twin.rig, mesh=replace(twin.rig.mesh, vertices=moved))
    (tmp_path / "a.glb").write_bytes(twin_to_glb(replace(twin, rig=rig, consent=text)))
    assert said in answer(tmp_path / "a.glb", "--now", JUNE, code=code)


def test_new_takes_a_draft_file_and_settings_win(folder: Path) -> None:
    path = new_record(
        folder,
        *("--set", "subject.pseudonym=Eva", "--set", 'scope.media=["print"]'),
        *("--set", "pay.amount=13", "--set", "pay.due_days=10", "--set", "separate_document=false"),
        *("--set", "term.not_before=2026-02-01T00:00:00Z"),
    )
    written = json.loads(path.read_text())
    assert written["subject"]["pseudonym"] == "Eva"
    assert written["scope"]["media"] == ["print"]
    assert (written["pay"]["amount"], written["pay"]["due_days"]) == ("13", 10)
    assert written["separate_document"] is False
    assert written["term"]["not_before"] == "2026-02-01T00:00:00Z"
    assert written["issued_at"] == "2026-01-01T00:00:00Z"
    assert not any(written["ai"].values())
    assert path.read_bytes() == canonical(written) + b"\n"
    refused = run(
        "new", "--from", folder / "draft.toml", "-o", folder / "q.json", "--set", "pay.bonus=x", code=3
    )
    assert "pay.bonus: unknown field; known here: kind" in refused.stderr
    assert "give FIELD=VALUE" in run("new", "-o", folder / "q.json", "--set", "pay.bonus", code=3).stderr
    assert not (folder / "q.json").exists()


def test_the_template_becomes_a_record(folder: Path) -> None:
    run("template", "-o", folder / "draft.toml")
    run("new", "--from", folder / "draft.toml", "-o", folder / "r.json", "--now", "2026-01-01T00:00:00Z")
    assert "exists already" in run("template", "-o", folder / "draft.toml", code=3).stderr
    assert json.loads(run("schema").stdout)["$id"] == json.loads((folder / "r.json").read_text())["schema"]


def test_new_names_what_is_missing_and_keeps_existing_files(folder: Path) -> None:
    said = run("new", "-o", folder / "r.json", code=3).stderr
    assert "subject: is missing" in said
    assert "term.not_after: is missing" in said
    path = signed_record(folder)
    before = path.read_bytes()
    assert "exists already" in run("new", "-o", path, code=3).stderr
    assert path.read_bytes() == before


def test_a_childs_record_is_signed_by_the_guardian(folder: Path) -> None:
    run("keygen", folder / "mother.pem")
    path = new_record(
        folder,
        *("--set", "subject.minor=true", "--set", "subject.adult_from=2033-04-01T00:00:00Z"),
        *("--set", "guardian.name=M", "--set", "guardian.contact=mailto:m@example.org"),
        *("--set", "guardian.relation=mother", "--set", "guardian.public_key=mother.pub.pem"),
    )
    for role, key in (("subject", "anna.pem"), ("guardian", "mother.pem"), ("controller", "studio.jwk")):
        assert not json.loads(run("verify", path, "--now", JUNE, "--json", code=4).stdout)["record_id"]
        run("sign", path, "--role", role, "--key", folder / key)
    assert answer(path, "--now", JUNE).startswith("allow valid")


def test_sign_refuses_wrong_keys_and_leaves_the_file(folder: Path) -> None:
    path = new_record(folder)
    before = path.read_bytes()
    wrong = run("sign", path, "--role", "subject", "--key", folder / "studio.jwk", code=3)
    assert "is not the subject's" in wrong.stderr
    public = run("sign", path, "--role", "subject", "--key", folder / "anna.pub.pem", code=3)
    assert "signing needs the private one" in public.stderr
    assert path.read_bytes() == before
    run("sign", path, "--role", "subject", "--key", folder / "anna.pem", "-o", folder / "half.json")
    assert path.read_bytes() == before
    assert [file.name for file in folder.iterdir() if file.name.endswith(".tmp")] == []


def test_new_refuses_a_private_key_in_place_of_a_public_one(folder: Path) -> None:
    key = f"subject.public_key={folder / 'anna.pem'}"
    result = run("new", "-o", folder / "r.json", "--set", key, code=3)
    assert "this is a private key; give the public key" in result.stderr


def test_a_key_that_cannot_be_locked_is_refused_before_anybody_is_asked(tmp_path: Path) -> None:
    refused = run("keygen", tmp_path / "anna.jwk", "--lock", code=3)
    assert "anna.jwk cannot be locked: only .pem keys can; name it anna.pem." in refused.stderr
    assert not list(tmp_path.iterdir())


def test_a_locked_key_takes_its_passphrase_from_a_file(folder: Path) -> None:
    (folder / "word").write_text("open sesame\n")
    run("keygen", folder / "anna.pem", "--passphrase-file", folder / "word", "--overwrite")
    path = new_record(folder)
    locked = run("sign", path, "--role", "subject", "--key", folder / "anna.pem", code=3)
    assert "it is locked; give its passphrase" in locked.stderr
    key = ["--key", folder / "anna.pem", "--passphrase-file", folder / "word"]
    values = json.loads(run("sign", path, "--role", "subject", *key, "--json").stdout)
    assert (values["signed_as"], values["missing"]) == ("subject", ["controller"])
    (folder / "word").write_text("\n")
    assert "first line" in run("sign", path, "--role", "subject", *key, code=3).stderr


@pytest.mark.skipif(os.name != "posix", reason="file modes are a POSIX matter")
def test_sign_warns_of_a_key_that_others_can_read(folder: Path) -> None:
    (folder / "anna.pem").chmod(0o644)
    result = run("sign", new_record(folder), "--role", "subject", "--key", folder / "anna.pem")
    assert "other users can read the private key" in result.stderr


def test_keygen_keeps_existing_keys(folder: Path) -> None:
    assert "exists already" in run("keygen", folder / "anna.pem", code=3).stderr
    assert "a key file ends in" in run("keygen", folder / "anna.key", code=3).stderr
    (folder / "anna.pem").unlink()
    assert "anna.pub.pem exists already" in run("keygen", folder / "anna.pem", code=3).stderr
    assert not (folder / "anna.pem").exists()


def test_times_and_uses_are_checked(folder: Path) -> None:
    path = signed_record(folder)
    assert "--now: 'today' is no time" in run("verify", path, "--now", "today", code=3).stderr
    assert "give its --purpose too" in run("verify", path, "--territory", "DE", code=3).stderr
    assert "is no territory" in run("verify", path, "--purpose", "render", "--territory", "EU", code=3).stderr
    past = ["--now", JUNE, "--purpose", "make_twin", "--at", "2026-05-01T00:00:00Z"]
    assert "lies before now" in run("verify", path, *past, code=3).stderr
