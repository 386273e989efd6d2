"""`bodyscan mark detect`: which twin a picture shows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bodyscan.cli.errors import run_guarded
from bodyscan.cli.output import print_result
from bodyscan.cli.scan_job import JsonOption
from bodyscan.errors import InputError

if TYPE_CHECKING:
    from bodyscan.mark.detect import Detection

app = typer.Typer()

NO_MARK = 5
TURN_WORDS = (
    "upright", "mirrored", "turned by 90 degrees", "turned by 180 degrees", "turned by 270 degrees",
    "upside down and mirrored", "turned by 90 degrees and mirrored", "turned by 270 degrees and mirrored",
)  # fmt: skip


@app.command(
    epilog="Exit codes: 0 a twin is named, 5 no mark found, 3 the picture cannot be read, 4 --twin has none."
)
@run_guarded
def detect(
    picture: Annotated[Path, typer.Argument(help="The picture: PNG, JPEG, WebP.")],
    twin: Annotated[
        list[Path] | None,
        typer.Option(
            help="A twin (.glb), a signed record (.json), or a folder of them: gives names; repeat."
        ),
    ] = None,
    ledger: Annotated[
        Path | None, typer.Option(help="A ledger of uses: gives the names of its twins.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Read the watermark and the metadata of a picture and tell which twin it shows.

    Without --twin or --ledger the id alone is told. A picture without a mark may still show a twin: see
    docs/marks.md.
    """
    from bodyscan.cli.mark.names import names_at_hand, names_in_ledger
    from bodyscan.mark.detect import detect_file

    if not picture.is_file():
        raise InputError(f"There is no file {picture}. Give a picture.")
    names, left_out = names_at_hand(twin or ())
    if ledger is not None:
        names = {**names_in_ledger(ledger), **names}
    found = detect_file(picture, names)
    print_result(_values(found, left_out), _rows(found, bool(twin or ledger), left_out), as_json)
    if not found.found:
        raise typer.Exit(NO_MARK)


def _values(found: Detection, left_out: Sequence[str]) -> dict[str, Any]:
    mark, info, name = found.search.watermark, found.info, found.name
    return {
        "found": found.found,
        "agreement": str(found.agreement),
        "reason": found.reason,
        "twin_id": found.twin_id,
        "name": None
        if name is None
        else {"subject": name.subject_pseudonym, "record_id": name.record_id, "source": name.source},
        "watermark": None
        if mark is None
        else {
            "twin_id": mark.payload.hex(),
            "signs_corrected": mark.turned,
            "pilot": round(mark.pilot, 1),
            "scale": round(mark.scale, 3),
            "turn": TURN_WORDS[mark.turn],
            "false_alarm": mark.false_alarm,
        },
        "damaged_watermark": found.search.is_damaged,
        "metadata": None
        if info is None
        else {
            "twin_id": info.twin_id,
            "record_id": info.record_id,
            "subject": info.subject_pseudonym,
            "purpose": info.purpose,
            "software": info.software,
            "source_type": found.source_type.value if found.source_type else None,
        },
        "left_out": list(left_out),
    }


def _rows(found: Detection, asked: bool, left_out: Sequence[str]) -> list[tuple[str, str]]:
    rows = [("twin", found.twin_id or "none found")]
    if found.name is not None:
        name = found.name
        rows.append(("name", f"{name.subject_pseudonym}, record {name.record_id} (from {name.source})"))
    elif found.found and asked:
        rows.append(("name", "not among the twins given"))
    rows.append((str(found.agreement).replace("_", " "), found.reason))
    if (mark := found.search.watermark) is not None:
        rows.append(
            (
                "watermark",
                f"{mark.payload.hex()}; the picture is {mark.scale:.2f} times the marked one, "
                f"{TURN_WORDS[mark.turn]}; by mistake with a probability of at most {mark.false_alarm:.0e}",
            )
        )
    if (info := found.info) is not None:
        rows.append(
            (
                "metadata",
                f"{info.twin_id}, {info.subject_pseudonym}, record {info.record_id}, purpose {info.purpose}, "
                f"by {info.software}",
            )
        )
    if left_out:
        more = f" and {len(left_out) - 1} more; --json tells why" if len(left_out) > 1 else ""
        rows.append(("left out", f"{left_out[0]}{more}"))
    return rows
