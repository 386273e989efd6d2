from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bodyscan.errors import InputError
from bodyscan.mark import (
    MarkInfo,
    SourceType,
    draw_label,
    embed_watermark,
    encode_marked,
    find_watermark,
    mark_picture,
    read_mark,
    save_marked,
    xmp_packet,
)
from bodyscan.mark.metadata import parse_packet, read_picture
from mark.pictures import person

INFO = MarkInfo(
    "urn:uuid:3f9a2c1b", 'quiet "heron" <&> \u00e9', "game & film", "bodyscan 0.1.0", "00112233445566ff"
)
IMAGE = np.random.default_rng(3).integers(0, 256, (200, 260, 3)).astype(np.uint8)
CALM = person()
BUSY = np.kron(np.random.default_rng(4).integers(0, 2, (50, 60, 1)) * 255, np.ones((4, 4, 3))).astype(
    np.uint8
)
"""Squares of 4 px, black and white: all its power lies where the watermark's is."""


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "A.JPEG", "a.webp"])
@pytest.mark.parametrize("source_type", list(SourceType))
def test_mark_survives_the_file(tmp_path: Path, name: str, source_type: SourceType) -> None:
    path = save_marked(IMAGE, tmp_path / name, INFO, source_type=source_type)
    assert read_mark(path) == (INFO, source_type)


def test_png_holds_the_labelled_and_watermarked_pixels(tmp_path: Path) -> None:
    path = save_marked(CALM, tmp_path / "a.png", INFO)
    with Image.open(path) as image:
        pixels = np.asarray(image)
    assert (pixels == embed_watermark(draw_label(CALM, INFO), INFO.twin_bytes)).all()


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp"])
def test_the_watermark_names_the_twin(tmp_path: Path, name: str) -> None:
    calm = np.full((300, 320, 3), 180, np.uint8)
    with Image.open(save_marked(calm, tmp_path / name, INFO)) as image:
        found = find_watermark(np.asarray(image.convert("RGB"))).watermark
    assert found is not None
    assert found.payload.hex() == INFO.twin_id


def test_a_picture_too_small_for_a_watermark_says_so(tmp_path: Path) -> None:
    small = IMAGE[:150, :180]
    marked = mark_picture(small, INFO)
    assert marked.watermark_gap.startswith("180 x 150 px is too small; a watermark needs 200 px")
    assert (marked.image == draw_label(small, INFO)).all()
    packet = read_picture(save_marked(small, tmp_path / "a.png", INFO))[1] or ""
    assert 'consent:Watermark="none: 180 x 150 px is too small' in packet


def test_a_picture_too_busy_for_a_watermark_says_so(tmp_path: Path) -> None:
    marked = mark_picture(BUSY, INFO)
    assert marked.watermark_gap == (
        "the picture is too busy for its size; a watermark could not be read back"
    )
    assert (marked.image == draw_label(BUSY, INFO)).all()
    packet = read_picture(save_marked(BUSY, tmp_path / "a.png", INFO))[1] or ""
    assert 'consent:Watermark="none: the picture is too busy' in packet


def test_a_large_picture_says_which_watermark_it_carries(tmp_path: Path) -> None:
    packet = read_picture(save_marked(CALM, tmp_path / "a.png", INFO))[1] or ""
    assert 'consent:Watermark="bodyscan 1"' in packet


def test_the_label_goes_where_it_is_told(tmp_path: Path) -> None:
    corner = (0, IMAGE.shape[0] // 2, IMAGE.shape[1] // 2, IMAGE.shape[0])
    freed = mark_picture(IMAGE, INFO, avoid=[corner]).image.astype(int)
    kept = np.abs(freed - IMAGE)[corner[1] : corner[3], corner[0] : corner[2]]
    assert kept.max() < 40
    assert encode_marked(IMAGE, INFO, avoid=[corner]) != encode_marked(IMAGE, INFO)


def test_packet_tells_how_the_picture_may_be_used() -> None:
    root = ET.fromstring(xmp_packet(INFO).split("?>\n")[1].split("\n<?xpacket")[0])
    terms = next(root.iter("{http://ns.adobe.com/xap/1.0/rights/}UsageTerms"))
    assert "".join(terms.itertext()).strip() == (
        "Synthetic picture of a digital twin. Consent record urn:uuid:3f9a2c1b, purpose game & film."
    )


def test_other_formats_are_refused() -> None:
    with pytest.raises(InputError, match="'GIF'; possible are PNG, JPEG and WEBP"):
        encode_marked(IMAGE, INFO, file_format="GIF")


def test_transparent_pictures_stand_on_white(tmp_path: Path) -> None:
    Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(tmp_path / "a.png")
    assert (read_picture(tmp_path / "a.png")[0] == 255).all()


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
    with pytest.raises(InputError, match=r"'\.gif'; possible are \.png, \.jpg, \.jpeg, \.webp"):
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
        (xmp_packet(INFO).replace(INFO.twin_id, "xyz"), "16 hex digits"),
    ],
)
def test_damaged_packets_are_refused(packet: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        parse_packet(packet)
