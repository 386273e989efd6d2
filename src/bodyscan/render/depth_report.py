"""The report of one depth capture: a single HTML page with pictures, charts, numbers and consent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

import numpy as np

from bodyscan.errors import InputError
from bodyscan.files import Writer, write_all
from bodyscan.mark import MarkInfo
from bodyscan.render import report_html as html
from bodyscan.render.depth_report_charts import plan_svg, sway_svg
from bodyscan.render.depth_report_pictures import (
    Coverage,
    ExampleFrame,
    confidence_pictures,
    coverage_pictures,
    frame_pictures,
    surface_pictures,
)
from bodyscan.render.report import FILE_NAME, ConsentSummary, StageTime, consent_section
from bodyscan.render.report_pictures import PictureOptions, check_mark
from bodyscan.types import F32, F64, Mesh

THIN = 0.5
"""Parts of the body of which less was seen are named at the top."""


@dataclass(frozen=True, eq=False)
class DepthReportData:
    """All that the report shows. World: metres, +Y up, the person faces +Z."""

    title: str
    """The capture's name."""
    date: str
    """Day and time as they shall be printed; the clock is the caller's."""
    surface: Mesh
    """The fused surface."""
    confidence: F32
    """(V,) float32, 0..1."""
    half_trust_mm: float
    """Expected error at which the confidence is one half, millimetres."""
    mark: MarkInfo
    """Consent under which the pictures are made; it labels each of them."""
    consent: ConsentSummary
    frames: tuple[str, ...]
    """(N) names of the frames that were used."""
    num_frames: int
    """How many the capture holds."""
    world_from_camera: F64
    """(N, 4, 4) float64, OpenCV camera axes."""
    is_all_around: bool
    """Whether the person was seen from all sides and the loop is closed."""
    coverage: Coverage
    head_way_mm: F64 | None = None
    """(N, 3) of the head from its mean place; None where the person was taken to stand still."""
    numbers: tuple[tuple[str, str, str], ...] = ()
    """(name, value with its unit, what it means)."""
    tiles: tuple[tuple[str, str, str], ...] = ()
    """The most important of them: (name, number, unit)."""
    example: ExampleFrame | None = None
    stages: tuple[StageTime, ...] = ()
    notes: tuple[str, ...] = ()
    """What the reader should look at."""
    outputs: Mapping[str, str] = field(default_factory=dict)
    """File name -> what it is and how large."""
    source: Mapping[str, str] = field(default_factory=dict)
    """What is known of the input: format, sensor, SHA-256."""
    picture_options: PictureOptions = field(default_factory=PictureOptions)

    def __post_init__(self) -> None:
        count = len(self.frames)
        if self.world_from_camera.shape != (count, 4, 4):
            raise InputError(f"{count} frames were named; their poses have {self.world_from_camera.shape}.")
        if self.head_way_mm is not None and np.shape(self.head_way_mm) != (count, 3):
            raise InputError(f"{count} frames were named; the head's way has {np.shape(self.head_way_mm)}.")


def write_depth_report(
    folder: str | Path, data: DepthReportData, *, name: str = FILE_NAME, write: Writer = write_all
) -> Path:
    """Draw all pictures and write the page `name` into `folder`, which is made where it is missing.

    The page holds its pictures and style in itself; `write` writes it. Raises `InputError` where `folder` is
    a file, and `StageError` or `InputError` where a picture cannot be drawn.
    """
    target = Path(folder)
    if target.exists() and not target.is_dir():
        raise InputError(f"{target.name} is a file; give a folder for the report.")
    page = depth_report_page(data).encode()
    target.mkdir(parents=True, exist_ok=True)
    path = target / name
    write({path: page})
    return path


def depth_report_page(data: DepthReportData) -> str:
    """The page as text, its pictures drawn, labelled and marked. Raises `InputError` without a consent."""
    check_mark(data.mark)
    options, mark = data.picture_options, data.mark
    body = [
        _header(data),
        html.gallery(surface_pictures(data.surface, options), mark, "four"),
        html.tiles(data.tiles),
        html.section("Notes", "", html.bullets(data.notes, "warnings")),
        html.section(
            "Cameras",
            f"{len(data.frames)} frames from above, numbered in their order; the first is green, the last "
            "red. The person faces down the page.",
            plan_svg(data.world_from_camera, data.surface, data.frames),
        ),
        _motion(data),
        html.section(
            "Coverage",
            _coverage_sentence(data.coverage),
            html.gallery(coverage_pictures(data.coverage, options), mark, "two"),
            html.table(("Part of the body", "Seen", ""), _coverage_rows(data.coverage.shares)),
        ),
        html.section(
            "Confidence",
            "How far each place can be trusted, by the number of frames that saw it and their noise: one "
            f"half where the expected error is {data.half_trust_mm:g} mm.",
            html.gallery(confidence_pictures(data.surface, data.confidence, options), mark, "two"),
        ),
        _example(data),
        html.section("Numbers", "", html.table(("Quantity", "Value", "What it means"), data.numbers)),
        html.section("Time", "", html.time_bars([(s.name, s.seconds, s.remark) for s in data.stages])),
        html.section("Input", "", html.facts(data.source.items())),
        html.section("Files", "", html.facts(data.outputs.items())),
        consent_section(data.consent),
        _footer(data),
    ]
    return html.page(f"Depth capture {data.title}", [part for part in body if part])


def _header(data: DepthReportData) -> str:
    kind, verdict = ("good", "All around") if data.is_all_around else ("bad", "Not all around")
    thin = [name for name, share in _by_share(data.coverage.shares) if share < THIN and name != "all"]
    reasons = [f"Hardly seen: {', '.join(map(_words, thin))}."] if thin else []
    return (
        f'<header>\n<p class="over">Depth capture report</p>\n<h1>{escape(data.title)}</h1>\n'
        f'<p class="verdict {kind}">{verdict}</p>\n'
        f'<p class="meta">{escape(data.date)} · {escape(data.mark.software)} · '
        f"{len(data.frames)} of {data.num_frames} frames</p>\n"
        f"{html.bullets(reasons, 'reasons')}\n</header>"
    )


def _motion(data: DepthReportData) -> str:
    if data.head_way_mm is None:
        return html.section("Motion", "", "<p>The person was taken to stand still.</p>")
    return html.section(
        "Motion",
        "How far the person's head was from its mean place in each frame; the feet stand, so that this is "
        "about the most that any part of the trunk moved.",
        sway_svg(np.asarray(data.head_way_mm, np.float64)),
    )


def _coverage_sentence(coverage: Coverage) -> str:
    whole = f"{100 * coverage.shares['all']:.0f} % of the body was seen. " if "all" in coverage.shares else ""
    return (
        f"{whole}Red was seen by no camera. What was not seen is not in the scan, and a twin takes it from "
        "the body model."
    )


def _coverage_rows(shares: Mapping[str, float]) -> list[tuple[str, str, str]]:
    """Parts of the body, the least seen first."""
    return [
        (_words(name), f"{100 * share:.1f} %", "hardly seen" if share < THIN else "")
        for name, share in _by_share(shares)
        if name != "all"
    ]


def _by_share(shares: Mapping[str, float]) -> list[tuple[str, float]]:
    return sorted(shares.items(), key=lambda item: (item[1], item[0]))


def _example(data: DepthReportData) -> str:
    if data.example is None:
        return ""
    frame = data.example.frame
    height, width = frame.depth_m.shape
    intro = f"{frame.name}, {width} x {height} pixels: what was taken for the person."
    return html.section("One frame", intro, html.gallery(frame_pictures(data.example), data.mark, "two"))


def _footer(data: DepthReportData) -> str:
    return (
        "<footer><p>Every picture on this page shows a person or was drawn from a measurement of one, under "
        f"the consent record <code>{escape(data.mark.record_id)}</code>, for the purpose "
        f"“{escape(data.mark.purpose.replace('_', ' '))}”. "
        "The same is written in each picture's metadata.</p></footer>"
    )


def _words(name: str) -> str:
    text = name.replace("_", " ").strip()
    return text[:1].upper() + text[1:]
