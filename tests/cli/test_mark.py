from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from bodyscan.cli.main import app
from bodyscan.consent import open_consent
from bodyscan.gltf.read import read_consent
from bodyscan.mark import MarkInfo, mark_under, save_marked
from mark.pictures import centre, person, resaved


def run(*words: object):
    return CliRunner().invoke(app, ["mark", "detect", *map(str, words)])


@pytest.fixture
def mark(twin_file: Path) -> MarkInfo:
    return mark_under(read_consent(twin_file)[0] or "", "render", "bodyscan test")


@pytest.fixture
def picture(mark: MarkInfo, tmp_path: Path) -> Path:
    return save_marked(person(), tmp_path / "picture.png", mark)


def bare(picture: Path, name: str, pixels: np.ndarray | None = None) -> Path:
    """A copy without metadata."""
    with Image.open(picture) as image:
        shown = np.asarray(image) if pixels is None else pixels
    Image.fromarray(shown).save(picture.with_name(name))
    return picture.with_name(name)


def test_a_picture_names_its_twin(picture: Path, mark: MarkInfo, twin_file: Path) -> None:
    result = run(picture, "--twin", twin_file, "--json")
    told = json.loads(result.output)
    assert (result.exit_code, told["agreement"], told["twin_id"]) == (0, "agree", mark.twin_id)
    assert told["name"] == {
        "subject": mark.subject_pseudonym,
        "record_id": mark.record_id,
        "source": "twin.glb",
    }
    assert told["watermark"]["signs_corrected"] == 0
    assert told["watermark"]["false_alarm"] <= 1e-7


def test_a_screenshot_of_half_of_it_names_its_twin(picture: Path, mark: MarkInfo, twin_file: Path) -> None:
    with Image.open(picture) as image:
        cut = resaved(centre(np.asarray(image), 0.7), "JPEG", 80)
    result = run(bare(picture, "cut.png", cut), "--twin", twin_file.parent)
    assert result.exit_code == 0
    assert mark.twin_id in result.output
    assert f"{mark.subject_pseudonym}, record {mark.record_id} (from twin.glb)" in result.output
    assert "watermark only" in result.output


def test_a_signed_record_gives_the_name_of_a_scan(picture: Path, twin_file: Path, tmp_path: Path) -> None:
    text = read_consent(twin_file)[0] or ""
    (tmp_path / "record.json").write_text(text)
    told = json.loads(run(picture, "--twin", tmp_path / "record.json", "--json").output)
    assert told["name"]["record_id"] == open_consent(text).record.record_id


def test_without_twins_the_id_alone_is_told(picture: Path, mark: MarkInfo) -> None:
    result = run(picture)
    assert result.exit_code == 0
    assert mark.twin_id in result.output
    assert "not among the twins given" not in result.output


def test_a_twin_that_is_another_is_not_named(picture: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    result = run(picture, "--twin", tmp_path / "empty")
    assert result.exit_code == 0
    assert "not among the twins given" in result.output


def test_exchanged_metadata_are_told(mark: MarkInfo, picture: Path) -> None:
    other = MarkInfo("urn:uuid:77777777", "loud-wren", "render", "bodyscan test", "fedcba9876543210")
    forged = picture.with_name("forged.png")
    with Image.open(picture) as image, Image.open(save_marked(person(), forged, other)) as source:
        info = source.info["xmp"]
        pixels = image.copy()
    from PIL.PngImagePlugin import PngInfo

    chunks = PngInfo()
    chunks.add_itxt("XML:com.adobe.xmp", info.decode() if isinstance(info, bytes) else info)
    pixels.save(forged, pnginfo=chunks)
    told = json.loads(run(forged, "--json").output)
    assert (told["agreement"], told["twin_id"]) == ("disagree", mark.twin_id)
    assert told["metadata"]["twin_id"] == other.twin_id


def test_a_picture_without_a_mark_is_exit_code_5(tmp_path: Path) -> None:
    Image.fromarray(person()).save(tmp_path / "plain.png")
    result = run(tmp_path / "plain.png")
    assert result.exit_code == 5
    assert "none found" in result.output


def test_files_that_are_no_pictures_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("hello")
    result = run(tmp_path / "a.png")
    assert (result.exit_code, "cannot be read as a picture" in result.output) == (3, True)
    result = run(tmp_path / "missing.png")
    assert (result.exit_code, "There is no file" in result.output) == (3, True)


def test_twins_that_are_none_are_refused_or_left_out(picture: Path, twin_file: Path, tmp_path: Path) -> None:
    result = run(picture, "--twin", tmp_path / "nowhere")
    assert (result.exit_code, "There is no" in result.output) == (3, True)
    folder = tmp_path / "twins"
    folder.mkdir()
    (folder / "notes.json").write_text('{"a": 1}')
    (folder / "twin.glb").write_bytes(twin_file.read_bytes())
    told = json.loads(run(picture, "--twin", folder, "--json").output)
    assert told["name"]["source"] == "twin.glb"
    assert ["notes.json" in line for line in told["left_out"]] == [True]
    result = run(picture, "--twin", folder / "notes.json")
    assert result.exit_code == 4


def test_the_ledger_names_the_twins_of_its_uses(twin_file: Path, tmp_path: Path) -> None:
    picture, ledger = tmp_path / "shown.png", tmp_path / "ledger.sqlite"
    drawn = CliRunner().invoke(
        app,
        ["render", str(twin_file), "-o", str(picture), "--ledger", str(ledger), "--size", "400x400"],
    )
    assert drawn.exit_code == 0, drawn.output
    told = json.loads(run(picture, "--ledger", ledger, "--json").output)
    assert told["name"]["subject"] == "DEMO Alba"
    assert told["name"]["source"] == "ledger.sqlite"
    assert run(picture, "--ledger", tmp_path / "none.sqlite").exit_code == 3
