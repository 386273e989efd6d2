"""The quality report of one twin: a single HTML page with pictures, numbers, warnings and consent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from bodyscan.errors import InputError
from bodyscan.files import Writer, write_all
from bodyscan.mark import MarkInfo
from bodyscan.render import report_html as html
from bodyscan.render.report_pictures import PictureOptions, ReportPictures, report_pictures
from bodyscan.types import BodyFit, ScanMesh, Twin

FILE_NAME = "report.html"


@dataclass(frozen=True)
class StageTime:
    """How long one stage took."""

    name: str
    seconds: float
    remark: str = ""


@dataclass(frozen=True)
class ConsentSummary:
    """What the report says of the consent record, already checked by the caller."""

    record_id: str
    subject: str
    """The person's pseudonym."""
    controller: str
    state: str
    """One sentence: valid, and until when; or why not."""
    purposes: tuple[str, ...] = ()
    media: tuple[str, ...] = ()
    territories: tuple[str, ...] = ()
    term: str = ""
    """From when to when, in words."""
    machine_learning: str = "not allowed"
    is_demo: bool = False
    """True for a record that was made for demonstration and means nothing."""


@dataclass(frozen=True, eq=False)
class ReportData:
    """All that the report shows."""

    twin_id: str
    """The title."""
    date: str
    """Day and time as they shall be printed; the clock is the caller's."""
    scan: ScanMesh
    fit: BodyFit
    twin: Twin | None
    """None where the fit was not good enough to make one."""
    mark: MarkInfo
    """Consent under which the pictures are made; it labels each of them."""
    consent: ConsentSummary
    stages: tuple[StageTime, ...] = ()
    warnings: tuple[str, ...] = ()
    """What the reader should look at; the pictures' own notes are added."""
    outputs: Mapping[str, str] = field(default_factory=dict)
    """File name -> what it is and how large."""
    picture_options: PictureOptions = field(default_factory=PictureOptions)
    input_name: str = ""
    """The scan's file name, where there is no twin that knows it."""
    capture_page: str = ""
    """File name, beside this one, of the page on the depth capture that the scan was made of."""


def write_report(folder: str | Path, data: ReportData, *, write: Writer = write_all) -> Path:
    """Draw all pictures and write `report.html` into `folder`, which is made where it is missing.

    The page holds its pictures and style in itself; `write` writes it. Raises `InputError` where `folder` is
    a file.
    """
    target = Path(folder)
    if target.exists() and not target.is_dir():
        raise InputError(f"{target.name} is a file; give a folder for the report.")
    target.mkdir(parents=True, exist_ok=True)
    pictures = report_pictures(data.scan, data.fit, data.twin, data.mark, data.picture_options)
    path = target / FILE_NAME
    write({path: report_page(data, pictures).encode()})
    return path


def report_page(data: ReportData, pictures: ReportPictures) -> str:
    """The page as text."""
    warnings = (*data.warnings, *pictures.notes)
    scale = pictures.scale
    body = [
        _header(data),
        html.gallery(pictures.overview, data.mark),
        _figures(data),
        html.section("Warnings", "", html.bullets(warnings, "warnings")),
        _capture(data),
        html.section(
            "Distance of scan and twin",
            f"Each point of the scan is coloured by its distance to the fitted surface. The scale ends at "
            f"{scale.high:g} mm; at least 95 % of the points lie within it. "
            "Grey points were not trusted.",
            html.gallery(pictures.distances, data.mark, "two"),
        ),
        html.section(
            "Poses",
            "Posed through the twin's own skeleton and weights.",
            html.gallery(pictures.poses, data.mark),
        ),
        html.section(
            "Expressions",
            "Made with the twin's own face shapes.",
            html.gallery(pictures.expressions, data.mark, "four"),
        ),
        _measurements(data.twin) if data.twin else "",
        html.section(
            "Quality", "", html.table(("Quantity", "Value", "What it means"), _quality_rows(data.fit))
        ),
        html.section(
            "Clean-up",
            _axes_sentence(data.scan),
            html.bullets(data.scan.notes) or "<p>Nothing to repair.</p>",
        ),
        html.section("Fit", "", html.bullets(data.fit.notes)),
        html.section("Time", "", html.time_bars([(s.name, s.seconds, s.remark) for s in data.stages])),
        html.section("Files", "", html.facts(data.outputs.items())),
        consent_section(data.consent),
        _provenance(data),
        _footer(data),
    ]
    return html.page(f"Twin {data.twin_id}", [part for part in body if part])


def _header(data: ReportData) -> str:
    quality = data.fit.quality
    kind, verdict = ("good", "Accepted") if quality.acceptable else ("bad", "Not accepted")
    return (
        f'<header>\n<p class="over">Digital twin report</p>\n<h1>{escape(data.twin_id)}</h1>\n'
        f'<p class="verdict {kind}">{verdict}</p>\n'
        f'<p class="meta">{escape(data.date)} · {escape(data.mark.software)}'
        f" · from {escape(_input_name(data))}</p>\n"
        f"{html.bullets(quality.reasons, 'reasons')}\n</header>"
    )


def _figures(data: ReportData) -> str:
    quality = data.fit.quality
    items = [
        ("Mean distance", f"{quality.surface_mean_mm:.2f}", "mm"),
        ("95 % within", f"{quality.surface_p95_mm:.2f}", "mm"),
        ("Coverage", f"{100 * quality.coverage:.0f}", "%"),
        ("Scan explained", f"{100 * quality.explained:.0f}", "%"),
    ]
    measurements = data.twin.measurements if data.twin else ()
    height = next((m for m in measurements if m.name in ("height", "stature", "body_height")), None)
    if height:
        items.append(("Height", f"{height.value_cm:.1f}", "cm"))
    if data.stages:
        items.append(("Time", f"{sum(s.seconds for s in data.stages):.1f}", "s"))
    return html.tiles(items)


def _quality_rows(fit: BodyFit) -> list[tuple[str, str, str]]:
    quality = fit.quality
    return [
        ("Surface, mean", f"{quality.surface_mean_mm:.2f} mm", "Trusted scan points to the fitted surface."),
        ("Surface, 95th percentile", f"{quality.surface_p95_mm:.2f} mm", "The same; 5 % lie farther off."),
        ("Body, mean", f"{quality.body_mean_mm:.2f} mm", "To the parametric body, without surface detail."),
        (
            "Expected error",
            f"{quality.expected_error_mm:.2f} mm",
            "What the fit expects of itself: the person's true surface to the fitted one, on average.",
        ),
        ("Noise of the scan", f"{quality.noise_mm:.2f} mm", "Of one vertex, as the scan itself shows it."),
        ("Coverage", f"{100 * quality.coverage:.1f} %", "Share of the body's area with scan data near it."),
        ("Explained", f"{100 * quality.explained:.1f} %", "Share of the scan within 20 mm of the surface."),
        (
            "Pose plausibility",
            f"{quality.pose_plausibility:.2f}",
            "1: every joint is well inside its limits.",
        ),
        (
            "Shape plausibility",
            f"{quality.shape_plausibility:.2f}",
            "1: a usual build; 0: unlike any known body.",
        ),
        ("Solver steps", str(fit.iterations), "All levels together."),
    ]


def _measurements(twin: Twin) -> str:
    rows = [(_words(m.name), f"{m.value_cm:.1f}", m.iso, m.description) for m in twin.measurements]
    table = html.table(("Measurement", "cm", "ISO 8559-1", "How it is taken"), rows)
    return html.section("Measurements", "Taken from the fitted body in a standard pose.", table)


def _axes_sentence(scan: ScanMesh) -> str:
    given = [
        f"{name} {getattr(scan, name)}" for name in ("unit", "up", "facing") if name not in scan.inferred
    ]
    found = [f"{name} {getattr(scan, name)}" for name in scan.inferred if hasattr(scan, name)]
    parts = [
        f"Inferred: {', '.join(found)}." if found else "",
        f"Given: {', '.join(given)}." if given else "",
    ]
    return " ".join(part for part in parts if part)


def consent_section(consent: ConsentSummary) -> str:
    """What the record says, for the page of any report."""
    items = [
        ("State", consent.state),
        ("Record", consent.record_id),
        ("Person", consent.subject),
        ("Controller", consent.controller),
        ("Purposes", ", ".join(map(_words, consent.purposes))),
        ("Media", ", ".join(map(_words, consent.media))),
        ("Territories", ", ".join(consent.territories)),
        ("Term", consent.term),
        ("Machine learning", consent.machine_learning),
    ]
    intro = (
        "This is a demonstration record: it stands for no real person's agreement." if consent.is_demo else ""
    )
    return html.section("Consent", intro, html.facts(items))


def _capture(data: ReportData) -> str:
    if not data.capture_page:
        return ""
    page = escape(data.capture_page, quote=True)
    return html.section(
        "Depth capture",
        "",
        f'<p>The scan was made of depth frames. <a href="{page}">Where the cameras stood, what they saw of '
        "each part of the body, and how the person swayed</a>.</p>",
    )


def _input_name(data: ReportData) -> str:
    name = data.twin.provenance.input_name if data.twin else data.input_name
    return name or "an unnamed scan"


def _provenance(data: ReportData) -> str:
    if data.twin is None:
        return ""
    origin = data.twin.provenance
    steps = [
        (step.stage, f"{step.seconds:.1f} s", step.version, _json(step.options), " ".join(step.notes))
        for step in origin.steps
    ]
    rig = data.twin.rig
    return html.section(
        "Provenance",
        "",
        html.facts(
            [
                ("Software", origin.software),
                ("Input", origin.input_name),
                ("Input SHA-256", origin.input_sha256),
                ("Body model", origin.body_model),
                (
                    "Twin",
                    f"{len(rig.mesh.vertices):,} vertices, {len(rig.mesh.faces):,} triangles, "
                    f"{len(rig.skeleton.joint_names)} joints, {len(data.twin.morphs)} face shapes",
                ),
            ]
        ),
        html.more(
            "Steps and options",
            html.table(("Stage", "Time", "Version", "Options", "Notes"), steps),
            html.table(("Quality", "Value"), [(str(k), _json(v)) for k, v in origin.quality.items()]),
        ),
    )


def _footer(data: ReportData) -> str:
    return (
        "<footer><p>Every picture on this page is synthetic: drawn from a digital twin under the consent "
        f"record <code>{escape(data.mark.record_id)}</code>, for the purpose "
        f"“{escape(data.mark.purpose.replace('_', ' '))}”. "
        "The same is written in each picture's metadata.</p></footer>"
    )


def _words(name: str) -> str:
    text = name.replace("_", " ").strip()
    return text[:1].upper() + text[1:]


def _json(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} = {_json(item)}" for key, item in value.items())
    if isinstance(value, float):
        return f"{value:.4g}"
    return value if isinstance(value, str) else json.dumps(value, default=str)
