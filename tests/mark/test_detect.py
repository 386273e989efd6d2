from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bodyscan.errors import InputError
from bodyscan.mark import Agreement, MarkInfo, detect, detect_file, embed_watermark, save_marked, xmp_packet
from bodyscan.mark.twin_id import TwinName
from mark.pictures import person

INFO = MarkInfo("urn:uuid:3f9a2c1b", "quiet-heron", "render", "bodyscan test", "0123456789abcdef")
OTHER = MarkInfo("urn:uuid:77777777", "loud-wren", "render", "bodyscan test", "fedcba9876543210")
MARKED = embed_watermark(person(), INFO.twin_bytes)
NAMES = {INFO.twin_bytes: TwinName("urn:uuid:3f9a2c1b", "quiet-heron", "a.glb")}


def test_both_agree() -> None:
    found = detect(MARKED, NAMES, xmp_packet(INFO))
    assert (found.agreement, found.twin_id, found.found) == (Agreement.AGREE, INFO.twin_id, True)
    assert found.name == NAMES[INFO.twin_bytes]
    assert found.info == INFO
    assert "name the same twin; 0 of 240 signs" in found.reason


def test_exchanged_metadata_are_told_as_tampering_and_the_watermark_counts() -> None:
    found = detect(MARKED, NAMES, xmp_packet(OTHER))
    assert (found.agreement, found.twin_id) == (Agreement.DISAGREE, INFO.twin_id)
    assert found.name == NAMES[INFO.twin_bytes]
    assert found.reason.startswith(f"TAMPERED: the metadata name the twin {OTHER.twin_id}")


def test_metadata_that_were_taken_off() -> None:
    found = detect(MARKED, NAMES)
    assert (found.agreement, found.twin_id) == (Agreement.WATERMARK_ONLY, INFO.twin_id)
    assert found.name == NAMES[INFO.twin_bytes]


def test_metadata_alone_count_little() -> None:
    found = detect(person(), NAMES, xmp_packet(INFO))
    assert (found.agreement, found.twin_id, found.found) == (Agreement.METADATA_ONLY, INFO.twin_id, True)
    assert "anybody can write metadata" in found.reason


def test_a_picture_without_marks() -> None:
    found = detect(person(), NAMES)
    assert (found.agreement, found.twin_id, found.found) == (Agreement.NONE, None, False)
    assert found.name is None
    assert found.reason == "No watermark was found. There are no metadata of ours."


def test_a_small_picture_says_that_it_is_small() -> None:
    found = detect(person()[:100, :100])
    assert "100 x 100 px is too small" in found.reason


def test_an_id_that_nobody_knows_has_no_name() -> None:
    assert detect(MARKED, {}).name is None


@pytest.mark.parametrize("packet", ["<x:xmpmeta", "<!DOCTYPE a>", xmp_packet(INFO)[:-200]])
def test_a_damaged_packet_does_not_hide_the_watermark(packet: str) -> None:
    found = detect(MARKED, NAMES, packet)
    assert (found.agreement, found.twin_id) == (Agreement.WATERMARK_ONLY, INFO.twin_id)
    assert "XMP packet" in found.reason


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp"])
def test_a_written_file_is_detected(tmp_path: Path, name: str) -> None:
    found = detect_file(save_marked(person(), tmp_path / name, INFO), NAMES)
    assert (found.agreement, found.name) == (Agreement.AGREE, NAMES[INFO.twin_bytes])


def test_a_picture_that_a_phone_turned_is_read(tmp_path: Path) -> None:
    turned = Image.fromarray(np.ascontiguousarray(np.rot90(MARKED)))
    exif = Image.Exif()
    exif[0x0112] = 6
    turned.save(tmp_path / "a.jpg", quality=95, exif=exif)
    found = detect_file(tmp_path / "a.jpg")
    assert found.search.watermark is not None
    assert (found.twin_id, found.search.watermark.turn) == (INFO.twin_id, 0)


def test_no_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no")
    with pytest.raises(InputError, match=r"a\.png cannot be read as a picture"):
        detect_file(tmp_path / "a.png")
