"""`bodyscan render`: pictures of a twin, marked, where the person's consent allows them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from bodyscan.cli.errors import run_guarded
from bodyscan.cli.evidence import EvidenceOption
from bodyscan.cli.output import print_result
from bodyscan.cli.scan_job import JsonOption, MediumOption, PurposeOption, TerritoryOption
from bodyscan.cli.twin_file import (
    USE_EXIT_CODES,
    ContentOption,
    LicenseeOption,
    ProductLineOption,
    TwinArgument,
    use_of,
)
from bodyscan.cli.uses import LedgerOption, ReferenceOption, receipt_row
from bodyscan.consent import Purpose, Use
from bodyscan.errors import InputError
from bodyscan.run.allowed_twin import AllowedTwin, allowed_twin
from bodyscan.run.outputs import check_output_file, size_words
from bodyscan.run.uses import UseWriter

if TYPE_CHECKING:
    from bodyscan.ledger import Receipt
    from bodyscan.mark import LabelOptions
    from bodyscan.render.twin_picture import TwinPicture, TwinPictureOptions

app = typer.Typer()

ViewName = Literal["front", "three-quarter", "side", "back", "face"]
PoseName = Literal["captured", "relaxed", "a", "t", "arms_up", "walk"]
BACKGROUNDS = {
    "studio": (243, 244, 245),
    "white": (255, 255, 255),
    "grey": (128, 129, 131),
    "dark": (38, 39, 42),
}


@dataclass(frozen=True)
class Job:
    """What was asked for."""

    output: Path
    use: Use
    now: datetime
    turntable: int | None
    options: TwinPictureOptions
    label: LabelOptions
    """What the record wants on every picture."""
    ledger: Path | None = None
    reference: str | None = None


@app.command(epilog=USE_EXIT_CODES)
@run_guarded
def render(
    file: TwinArgument,
    output: Annotated[Path, typer.Option("--output", "-o", help="Picture to write: .png, .jpg or .webp.")],
    purpose: PurposeOption = Purpose.RENDER,
    territory: TerritoryOption = None,
    medium: MediumOption = None,
    licensee: LicenseeOption = None,
    product_line: ProductLineOption = None,
    content: ContentOption = None,
    label_font: Annotated[
        Path | None, typer.Option(help="Font (TTF, OTF) for a label in letters that the own ones lack.")
    ] = None,
    evidence: EvidenceOption = None,
    view: Annotated[ViewName, typer.Option(help="Where the camera stands.")] = "front",
    turntable: Annotated[
        int | None,
        typer.Option(min=2, max=72, help="Pictures all round the person, from the view on: NAME_01.png ..."),
    ] = None,
    pose: Annotated[PoseName, typer.Option(help="How the person stands.")] = "captured",
    expression: Annotated[
        list[str] | None,
        typer.Option(help="NAME=0..1: smile, open_mouth, eyes_closed, surprise, or a face shape; repeat."),
    ] = None,
    size: Annotated[str, typer.Option(help="WIDTHxHEIGHT in pixels, 200 to 4096 each.")] = "1024x1536",
    background: Annotated[
        str, typer.Option(help=f"{', '.join(BACKGROUNDS)}, or a colour as #f3f4f5.")
    ] = "studio",
    ledger: LedgerOption = None,
    reference: ReferenceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Draw a twin in a photo studio: the whole person or the face, posed, with an expression.

    The twin's consent is checked for this use before anything is drawn. Every picture carries the visible
    label, the watermark and the metadata of a synthetic picture, and the use is written into the ledger.
    """
    use = use_of(purpose, territory, medium, licensee, product_line, content)
    width, height = _size(size)
    strengths = _expressions(expression or [])
    color = _background(background)
    _check_output(output, file)
    now = datetime.now(UTC)
    twin = allowed_twin(file, use, now, evidence)

    from bodyscan.consent.modification import require_modification
    from bodyscan.consent.record import Modification
    from bodyscan.mark import LabelOptions
    from bodyscan.render.twin_picture import TwinPictureOptions

    if pose != "captured" or strengths:
        require_modification(twin.record, Modification.POSE, "a pose or an expression")
    options = TwinPictureOptions(
        view=view, pose=pose, expression=strengths, width=width, height=height, background=color
    )
    label = LabelOptions(text=twin.record.disclosure.label, font_file=str(label_font or ""))
    job = Job(output, use, now, turntable, options, label, ledger, reference)
    written, receipt = _hand_out(_draw(twin, job), twin, job)
    print_result(*_told(written, receipt, twin, job), as_json)


def _draw(twin: AllowedTwin, job: Job) -> Sequence[TwinPicture]:
    from bodyscan.gltf.read_skin import read_skin, rig_of
    from bodyscan.render.twin_picture import render_turntable, render_twin

    body = twin.body
    rig = rig_of(body, twin.content.uvs)
    textures = read_skin(twin.document, twin.binary, twin.content)
    about = {"morphs": body.morphs, "textures": textures, "landmarks": body.landmarks, "options": job.options}
    if job.turntable is None:
        return (render_twin(rig, **about),)
    return render_turntable(rig, job.turntable, **about)


def _hand_out(pictures: Sequence[TwinPicture], twin: AllowedTwin, job: Job) -> tuple[list[Path], Receipt]:
    """Write the use down, then the pictures with their marks, all or none.

    The only way on which they leave this command.
    """
    from bodyscan import __version__
    from bodyscan.ledger import EntryKind
    from bodyscan.mark import encode_marked, mark_under
    from bodyscan.mark.save import FORMATS

    mark = mark_under(twin.consent, str(job.use.purpose), f"bodyscan {__version__}")
    file_format = FORMATS[job.output.suffix.lower()]
    contents = {
        place: encode_marked(
            picture.image, mark, file_format=file_format, label=job.label, avoid=picture.keep_clear
        )
        for place, picture in zip(_places(job.output, len(pictures)), pictures, strict=True)
    }
    uses = UseWriter(
        place=job.ledger,
        record=twin.record,
        text=twin.consent,
        use=job.use,
        kind=EntryKind.RENDER,
        now=job.now,
        reference=job.reference,
        twin_id=mark.twin_id,
        units=len(contents),
    )
    receipt = uses(contents)
    return list(contents), receipt


def _places(output: Path, count: int) -> list[Path]:
    """One path a picture: the output itself, or numbered beside it."""
    if count == 1:
        return [output]
    digits = len(str(count))
    return [output.with_name(f"{output.stem}_{n:0{digits}}{output.suffix}") for n in range(1, count + 1)]


def _told(
    written: list[Path], receipt: Receipt, twin: AllowedTwin, job: Job
) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    options, record = job.options, twin.record
    values = {
        "pictures": [{"path": str(path), "size_bytes": path.stat().st_size} for path in written],
        "view": options.view,
        "pose": options.pose,
        "expression": dict(options.expression),
        "size": [options.width, options.height],
        "purpose": str(job.use.purpose),
        "ledger_entry": receipt.sequence,
        "record_id": record.record_id,
        "subject": record.subject.pseudonym,
        "demo": record.demo,
        "reason": twin.status.reason,
    }
    rows = [("picture", f"{path}, {size_words(path.stat().st_size)}") for path in written]
    rows.append(("consent", f"{record.record_id} of {record.subject.pseudonym}: {twin.status.reason}"))
    rows.append(receipt_row(receipt))
    if record.demo:
        rows.append(("DEMO", "sample data; it proves nothing about any person"))
    return values, rows


def _check_output(output: Path, twin: Path) -> None:
    from bodyscan.mark.save import FORMATS

    if output.suffix.lower() not in FORMATS:
        raise InputError(f"The output {output.name} must end in one of {', '.join(FORMATS)}.")
    check_output_file(output, output.suffix.lower(), [twin])


def _size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text.strip().lower())
    if found is None:
        raise InputError(f"--size {text} is not understood; give WIDTHxHEIGHT in pixels, as 1024x1536.")
    return int(found[1]), int(found[2])


def _background(text: str) -> tuple[int, int, int]:
    if text in BACKGROUNDS:
        return BACKGROUNDS[text]
    if re.fullmatch(r"#[0-9a-fA-F]{6}", text) is None:
        raise InputError(
            f"--background {text} is not understood; give {', '.join(BACKGROUNDS)}, or a colour as #f3f4f5."
        )
    red, green, blue = bytes.fromhex(text[1:])
    return red, green, blue


def _expressions(texts: Sequence[str]) -> dict[str, float]:
    """`smile=0.8` -> name and strength; a name alone is full strength."""
    found: dict[str, float] = {}
    for text in texts:
        name, equals, strength = text.partition("=")
        try:
            value = float(strength) if equals else 1.0
        except ValueError:
            value = -1.0
        if not name or not 0 <= value <= 1:
            raise InputError(f"--expression {text} is not understood; give NAME=0..1, as smile=0.8.")
        if name in found:
            raise InputError(f"--expression {name} was given twice.")
        found[name] = value
    return found
