from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bodyscan.errors import InputError
from bodyscan.mark import MarkInfo, SourceType, draw_label, read_mark, save_marked, xmp_packet
from bodyscan.mark.metadata import parse_packet

INFO = MarkInfo("urn:uuid:3f9a2c1b", 'quiet "heron" <&> \u00e9', "game & film", "bodyscan 0.1.0")
IMAGE = np.random.default_rng(3).integers(0, 256, (200, 260, 3)).astype(np.uint8)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "A.JPEG"])
@pytest.mark.parametrize("source_type", list(SourceType))
def test_mark_survives_the_file(tmp_path: Path, name: str, source_type: SourceType) -> None:
    path = save_marked(IMAGE, tmp_path / name, INFO, source_type=source_type)
    assert read_mark(path) == (INFO, source_type)


def test_png_holds_the_labelled_pixels(tmp_path: Path) -> None:
    path = save_marked(IMAGE, tmp_path / "a.png", INFO)
    with Image.open(path) as image:
        assert (np.asarray(image) == draw_label(IMAGE, INFO)).all()


def test_same_picture_gives_the_same_bytes(tmp_path: Path) -> None:
    first = save_marked(IMAGE, tmp_path / "a.png", INFO).read_bytes()
    assert first == save_marked(IMAGE, tmp_path / "b.png", INFO).read_bytes()


def test_nothing_else_is_left_in_the_folder(tmp_path: Path) -> None:
    save_marked(IMAGE, tmp_path / "a.png", INFO)
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = save_marked(IMAGE, tmp_path / "a.png", INFO)
    before = path.read_bytes()
    with pytest.raises(InputError, match="too small"):
        save_marked(IMAGE[:20, :20], path, INFO)
    assert path.read_bytes() == before


def test_packet_names_the_iptc_term() -> None:
    assert "http://cv.iptc.org/newscodes/digitalsourcetype/compositeSynthetic" in xmp_packet(INFO)


def test_picture_without_mark_reads_as_none(tmp_path: Path) -> None:
    Image.fromarray(IMAGE).save(tmp_path / "bare.png")
    assert read_mark(tmp_path / "bare.png") is None


def test_foreign_packet_reads_as_none() -> None:
    assert parse_packet('<x:xmpmeta xmlns:x="adobe:ns:meta/"></x:xmpmeta>') is None


def test_other_extension_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"'\.gif'; possible are \.png, \.jpg, \.jpeg"):
        save_marked(IMAGE, tmp_path / "a.gif", INFO)


def test_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist; create it first"):
        save_marked(IMAGE, tmp_path / "no" / "a.png", INFO)


def test_a_text_file_is_no_picture(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("hello")
    with pytest.raises(InputError, match=r"a\.png cannot be read as a picture"):
        read_mark(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("packet", "says"),
    [
        ('<!DOCTYPE a [<!ENTITY b "c">]>' + xmp_packet(INFO), "document type"),
        (xmp_packet(INFO).replace("</rdf:RDF>", ""), "damaged"),
        (xmp_packet(INFO).replace("compositeSynthetic", "digitalCapture"), "'digitalCapture'"),
    ],
)
def test_damaged_packets_are_refused(packet: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        parse_packet(packet)
