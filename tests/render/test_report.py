from __future__ import annotations

import base64
import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bodyscan.errors import InputError
from bodyscan.mark import SourceType, draw_label
from bodyscan.mark.metadata import parse_packet
from bodyscan.render.options import RenderOptions
from bodyscan.render.report import ConsentSummary, ReportData, StageTime, report_page, write_report
from bodyscan.render.report_pictures import (
    EXPRESSIONS,
    POSES,
    PictureOptions,
    overview_sheet,
    report_pictures,
)

from .shapes import MARK, made_twin

SMALL = PictureOptions(200, 240, 200, RenderOptions(occlusion_rays=0, shadow_rays=0, edge_samples=1))
HOSTILE = "<script>alert('x')</script>\"'&"


def made_data(note: str = "") -> ReportData:
    scan, fit, twin = made_twin(note)
    consent = ConsentSummary(
        MARK.record_id + note, "heron" + note, "Studio" + note, "Valid until 2027." + note,
        ("make_twin" + note,), ("web" + note,), ("DE" + note,), "2026 to 2027" + note, "not allowed" + note,
    )  # fmt: skip
    return ReportData(
        "heron-1" + note,
        "1 May 2026" + note,
        scan,
        fit,
        twin,
        replace(MARK, record_id=MARK.record_id + note),
        consent,
        (StageTime("Fit" + note, 1.5, note),),
        ("Look here." + note,),
        {"twin.glb" + note: "3 MB" + note},
        SMALL,
    )


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_report(tmp_path_factory.mktemp("report") / "new", made_data()).read_text()


class Tags(HTMLParser):
    """Collects tags with their attributes and checks that they nest."""

    VOID = frozenset({"meta", "img", "br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def embedded(page: str) -> list[bytes]:
    return [base64.b64decode(data) for data in re.findall(r"data:image/jpeg;base64,([^\"]+)\"", page)]


def test_tags_nest_and_close(page: str) -> None:
    assert not Tags(page).open


def test_page_needs_nothing_from_elsewhere(page: str) -> None:
    for tag, attributes in Tags(page).found:
        assert tag not in ("script", "link", "iframe")
        for name in ("src", "href"):
            assert (attributes.get(name) or "data:").startswith("data:")
        assert not [name for name in attributes if name.startswith("on")]


def test_every_picture_has_words_and_a_mark(page: str) -> None:
    pictures = [attributes for tag, attributes in Tags(page).found if tag == "img"]
    assert len(pictures) == 3 + 2 + len(POSES) + len(EXPRESSIONS)
    assert all(len(attributes["alt"] or "") > 15 for attributes in pictures)
    kinds = []
    for data in embedded(page):
        with Image.open(io.BytesIO(data)) as image:
            mark = parse_packet(image.info["xmp"].decode())
        assert mark is not None
        assert mark[0] == MARK
        kinds.append(mark[1])
    assert kinds.count(SourceType.DATA_DRIVEN_MEDIA) == 2


def test_labels_keep_off_the_heads() -> None:
    data = made_data()
    larger = PictureOptions(400, 480, 400, SMALL.render)
    pictures = report_pictures(data.scan, data.fit, data.twin, data.mark, larger)
    shown = [*pictures.overview, *pictures.distances, *pictures.poses, *pictures.expressions]
    for picture in shown:
        left, top, right, bottom = picture.avoid[0]
        changed = draw_label(picture.image, MARK, avoid=picture.avoid) != picture.image
        assert changed.any()
        assert not changed[top:bottom, left:right].any()


def test_headings_are_in_order(page: str) -> None:
    levels = [int(tag[1]) for tag, _ in Tags(page).found if tag in ("h1", "h2", "h3")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert "Accepted" in page
    assert "Not accepted" not in page


@pytest.mark.parametrize(
    "text",
    [
        "heron-1",
        "1 May 2026",
        "1.20 mm",
        "171.2",
        "Look here.",
        "Removed 2 crumbs.",
        "ab" * 32,
        "twin.glb",
        "1.5 s",
    ],
)
def test_page_says(page: str, text: str) -> None:
    assert text in page


def test_text_from_files_is_escaped_everywhere() -> None:
    data = made_data(HOSTILE)
    pictures = report_pictures(data.scan, data.fit, data.twin, data.mark, SMALL)
    pictures = replace(
        pictures, overview=tuple(replace(p, caption=HOSTILE, alt=HOSTILE) for p in pictures.overview)
    )
    text = report_page(data, pictures)
    tags = Tags(text)
    assert "<script" not in text
    assert not tags.open
    assert [a["alt"] for tag, a in tags.found if tag == "img"][:3] == [HOSTILE] * 3
    assert text.count("&lt;script&gt;") > 30
    assert "Not accepted" in text


def test_expressions_change_the_picture() -> None:
    data = made_data()
    pictures = report_pictures(data.scan, data.fit, data.twin, data.mark, SMALL)
    neutral, *others = [p.image.astype(int) for p in pictures.expressions]
    assert all(np.abs(other - neutral).max() > 10 for other in others)
    assert overview_sheet(pictures).shape[1] == 3 * 200


def test_what_cannot_be_drawn_is_said() -> None:
    data = made_data()
    bare = replace(data.twin, morphs=())
    pictures = report_pictures(data.scan, data.fit, bare, data.mark, SMALL)
    assert [p.caption for p in pictures.expressions] == ["Neutral"]
    assert any("'Jaw open' was not drawn: the twin has no jawOpen" in note for note in pictures.notes)


def test_untrusted_points_are_grey_and_do_not_set_the_scale() -> None:
    data = made_data()
    distance = np.array(data.fit.distance_mm)
    distance[:50] = 500
    confidence = np.ones(len(distance))
    confidence[:50] = 0
    scan = replace(data.scan, confidence=confidence)
    pictures = report_pictures(scan, replace(data.fit, distance_mm=distance), data.twin, data.mark, SMALL)
    assert pictures.scale.high == 5


def test_a_fit_of_another_scan_is_refused() -> None:
    data = made_data()
    wrong = replace(data.fit, distance_mm=np.zeros(3))
    with pytest.raises(InputError, match=r"3 distances for \d+ scan vertices"):
        report_pictures(data.scan, wrong, data.twin, data.mark, SMALL)


def test_pictures_need_consent() -> None:
    data = made_data()
    with pytest.raises(InputError, match="need the consent that covers them"):
        report_pictures(data.scan, data.fit, data.twin, None, SMALL)  # type: ignore[arg-type]


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "report").write_text("")
    with pytest.raises(InputError, match="report is a file; give a folder"):
        write_report(tmp_path / "report", made_data())


def test_picture_size_out_of_range_is_refused() -> None:
    with pytest.raises(InputError, match="200 to 4000 pixels"):
        PictureOptions(width=10)


def test_a_fit_without_a_twin_is_shown_and_said_to_be_refused():
    data = made_data()
    quality = replace(data.fit.quality, acceptable=False, reasons=("The scan lies 9 mm off.",))
    fit = replace(data.fit, quality=quality)
    data = replace(data, fit=fit, twin=None, input_name="statue.ply")
    page = report_page(data, report_pictures(data.scan, fit, None, data.mark, SMALL))
    assert "Not accepted" in page
    assert "The scan lies 9 mm off." in page
    assert "statue.ply" in page
    assert page.count("<img") == 4  # scan, fit, and the distances from two sides
    assert "Measurements" not in page
    assert "Provenance" not in page
