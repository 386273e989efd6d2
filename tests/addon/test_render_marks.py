"""Pictures of twins leave Blender with label, watermark and metadata and their use in the ledger, or not at
all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from addon.conftest import VERSION, _runner
from addon.consented import revocation, signed, twin_file
from bodyscan.consent.record import Modification
from bodyscan.gltf import read_consent
from bodyscan.ledger import Ledger
from bodyscan.mark import Detection, detect_file, names_of_consent

Told = dict[str, Any]
NAMES = ("twin", "other", "expired", "still")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The twins' files."""
    folder = tmp_path_factory.mktemp("marks")
    consent = twin_file(folder / "twin.glb")
    twin_file(folder / "other.glb", "Bob")
    twin_file(folder / "expired.glb", expired=True)
    twin_file(folder / "still.glb", modification=Modification.FORMAT)
    (folder / "revoked.json").write_text(revocation(consent))
    return folder


@pytest.fixture(scope="module")
def found(folder: Path) -> Iterator[Told]:
    """All parts of the script in one Blender."""
    for in_blender in _runner(VERSION, folder):
        given = {name: folder / f"{name}.glb" for name in NAMES}
        yield in_blender("render_marks", folder=folder, revoked=folder / "revoked.json", **given)


def detected(picture: Path, *twins: Path) -> Detection:
    names = {}
    for twin in twins:
        text, _, _ = read_consent(twin)
        assert text is not None
        names |= names_of_consent(text, twin.name)
    return detect_file(picture, names)


@pytest.mark.parametrize(("kind", "name"), [("PNG", "png.png"), ("JPEG", "jpeg.jpg"), ("WEBP", "webp.webp")])
def test_a_still_is_marked(found: Told, folder: Path, kind: str, name: str) -> None:
    assert found["stills"][kind] == "FINISHED"
    mark = detected(folder / "stills" / name, folder / "twin.glb")
    assert mark.agreement == "agree"
    assert mark.info is not None
    assert mark.name is not None
    assert mark.name.subject_pseudonym == mark.info.subject_pseudonym == "DEMO Ada"
    assert mark.info.purpose == "render"
    assert mark.source_type is not None
    assert mark.source_type.value == "compositeSynthetic"


def test_nothing_else_appears_and_the_scene_keeps_its_settings(found: Told) -> None:
    assert found["stills"]["files"] == ["jpeg.jpg", "png.png", "webp.webp"]
    assert found["stills"]["own settings"]
    assert found["left"] == 0


def test_the_label_can_be_seen(folder: Path, found: Told) -> None:
    pixels = np.asarray(Image.open(folder / "stills" / "png.png").convert("L"), np.float64)
    height, width = pixels.shape
    corner = pixels[int(0.9 * height) :, : width // 2]
    backdrop = pixels[height // 2 : height // 2 + 20, :10]
    assert np.ptp(corner) > 120, "Letters on a pill."
    assert np.ptp(backdrop) < 40


def test_every_frame_is_marked_and_frames_that_are_there_stay(found: Told, folder: Path) -> None:
    told = found["frames"]
    assert told["first"] == told["second"] == "FINISHED"
    assert told["files"] == ["picture0001.png", "picture0002.png"]
    assert told["all"] == ["picture0001.png", "picture0002.png", "picture0003.png"]
    assert told["kept"]
    for name in told["all"]:
        assert detected(folder / "frames" / name, folder / "twin.glb").agreement == "agree"


def test_what_is_saved_by_hand_carries_the_stamp_as_its_label(found: Told, folder: Path) -> None:
    told = found["by hand"]
    assert told["done"] == "FINISHED"
    assert told["own"] == [False, True, ""]
    picture = Image.open(folder / "hand" / "result.png")
    pixels = np.asarray(picture.convert("L"), np.float64)
    assert np.ptp(pixels[:12, :120]) > 100, "Letters at the top left."
    assert np.ptp(pixels[-12:, :120]) < 60, "No label of ours: it is drawn on what is written."
    assert "Hostname" not in picture.info


def test_the_add_ons_own_operator_renders_marked_pictures_or_says_why_not(found: Told, folder: Path) -> None:
    told = found["operator"]
    assert told["named"].startswith("FINISHED")
    assert told["files"] == ["named.png"]
    assert detected(folder / "operator" / "named.png", folder / "twin.glb").agreement == "agree"
    assert "Error: Not rendered. DEMO Ada: Refused" in told["refused"]
    assert "Clause: ai.training." in told["refused"]
    assert "the scene's format is OPEN_EXR" in told["exr"]


def test_a_picture_of_two_people_names_both_and_is_marked_with_the_larger(found: Told, folder: Path) -> None:
    told = found["several"]
    assert told["done"] == "FINISHED"
    assert told["shares"][1] > told["shares"][0] > 0
    mark = detected(folder / "several" / "picture.png", folder / "twin.glb", folder / "other.glb")
    assert mark.agreement == "agree"
    assert mark.info is not None
    assert mark.info.subject_pseudonym == "DEMO Bob; DEMO Ada"
    assert mark.info.record_id == f"{signed('Bob').record.record_id}; {signed('Ada').record.record_id}"
    assert mark.name is not None
    assert mark.name.subject_pseudonym == "DEMO Bob"


def test_a_refused_twin_is_not_rendered_by_any_engine(found: Told) -> None:
    told = found["refused"]
    engines = [name for name in told if name.isupper() or name.endswith(" frames")]
    assert len(engines) >= 6
    for engine in engines:
        assert told[engine].startswith("Error: Image too small"), engine
        assert "Not rendered. DEMO Ada: Refused: the consent is expired" in told[engine]
        assert "Clause: term.not_after." in told[engine]
    assert told["own settings"]
    assert "carries no consent record" in told["missing"]
    assert told["files"] == []


def test_what_cannot_be_marked_is_refused_with_what_can(found: Told) -> None:
    told = found["unmarkable"]
    for kind, name in (("OPEN_EXR", "OPEN_EXR"), ("TIFF", "TIFF"), ("BMP", "BMP"), ("film", "FFMPEG")):
        assert "Pictures of twins are written as PNG, JPEG or WebP" in told[kind]
        assert f"the scene's format is {name}" in told[kind]
    assert "Switch Film > Transparent off" in told["transparent"]
    assert "Switch Output > Stereoscopy off" in told["stereo"]
    assert "too small for a legible label" in told["tiny"]
    assert "File Output node writes pictures without marks. Mute it" in told["file output"]
    assert told["muted"] == "FINISHED"
    assert told["files"] == ["picture.png"]


def test_a_twin_is_found_wherever_the_render_takes_it_from(found: Told) -> None:
    told = found["elsewhere"]
    assert "Clause: ai.training." in told["set"]
    assert "Clause: ai.training." in told["strip"]
    assert told["switched off"] == "FINISHED"
    assert told["files"] == ["picture.png"]


def test_a_picture_that_shows_no_twin_has_no_mark(found: Told, folder: Path) -> None:
    assert found["elsewhere"]["switched off"] == "FINISHED"
    assert detect_file(folder / "elsewhere" / "picture.png").agreement == "none"


def test_a_consent_that_is_withdrawn_ends_a_running_animation(found: Told) -> None:
    told = found["late"]
    assert told["files"] == ["picture0001.png"]
    assert "picture0002.png was not written. The consent is revoked" in told["done"]


def test_each_picture_is_in_the_ledger_with_the_scenes_reference(found: Told, folder: Path) -> None:
    with Ledger.open(folder / "ledger.sqlite", now=datetime.now(UTC)) as ledger:
        entries = [json.loads(stored.body) for stored in ledger.entries()]
    assert {entry["kind"] for entry in entries} == {"render"}
    assert {entry["purpose"] for entry in entries} == {"render"}
    assert sum("reference" in entry for entry in entries) == 3
    assert len(entries) >= 8


def test_without_a_ledger_there_is_no_picture(found: Told) -> None:
    told = found["ledger"]
    assert "picture.png was not written" in told["still"]
    assert "is a folder; give the ledger's file" in told["still"]
    assert told["operator"].startswith("Error: picture.png was not written")
    assert told["files"] == []


def test_a_scene_without_a_person_is_rendered_as_ever(found: Told) -> None:
    told = found["plain"]
    assert told["done"] == "FINISHED"
    assert told["files"] == ["cube.exr"]
    assert "This scene renders nobody; Blender's own Render writes its pictures." in told["operator"]


def test_a_file_that_is_saved_during_a_render_holds_the_scenes_own_settings(found: Told) -> None:
    told = found["saved"]
    assert told["done"] == "FINISHED"
    assert told["changed"] == [True, True]
    assert told["path"]
    assert not told["stamp"]


def test_a_record_that_allows_no_pose_allows_the_twin_at_rest(found: Told) -> None:
    told = found["posed"]
    assert told["rest"] == "FINISHED"
    for what in ("expression", "pose"):
        assert "a pose or an expression needs the modification pose" in told[what], what
        assert "Clause: scope.modification." in told[what]
    assert "clothes needs the modification garments" in told["clothes"]
