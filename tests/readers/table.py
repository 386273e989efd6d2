"""The matrix in words: one row a reader and file, as it stands in docs/readers.md."""

from __future__ import annotations

from readers.files import TEXTURE_PX, TwinFile
from readers.judge import Fault
from readers.matrix import READERS, Reader
from readers.report import ReaderReport, consent_verdict

HEAD = (
    "| reader | file | joints | shapes | images | height | arm and jaw | consent after its export | wrong |",
    "|---|---|---|---|---|---|---|---|---|",
)
NONE = "–"
BEGIN, END = "<!-- readers: begin -->", "<!-- readers: end -->"


def row(reader: Reader, file: TwinFile, report: ReaderReport, found: frozenset[Fault]) -> str:
    """Return the table's row of what a reader saw of a file."""
    notes = ", ".join(fault for fault in Fault if fault in found)
    if not report.loaded:
        cells = [NONE] * 6
    else:
        cells = [
            _count(report.joints),
            _count(report.morphs),
            _images(report, found),
            NONE if report.height_m is None else f"{report.height_m:.3f} m",
            _posed(report, found),
            NONE if report.again is None else _consent(report.again),
        ]
    return f"| {' | '.join([reader.name, file.name, *cells, notes or 'nothing'])} |"


def _count(names: tuple[str, ...] | None) -> str:
    return NONE if names is None else str(len(names))


def _images(report: ReaderReport, found: frozenset[Fault]) -> str:
    if report.textures is None:
        return NONE
    return f"{len(report.textures)} of {TEXTURE_PX}²" + (" wrong" if Fault.IMAGES in found else "")


def _posed(report: ReaderReport, found: frozenset[Fault]) -> str:
    words = []
    if report.arm_m is not None:
        words.append("arm wrong" if Fault.ARM in found else "arm")
    if report.silhouettes:
        words.append("drawn wrong" if Fault.OUTLINE in found else "drawn")
    if report.jaw_m is not None:
        words.append("jaw wrong" if Fault.SHAPES_STILL in found else "jaw")
    return ", ".join(words) or NONE


def _consent(again: bytes) -> str:
    verdict = consent_verdict(again)
    return next((word for word in ("exact", "repacked", "lost") if verdict.startswith(word)), "refused")


def reasons() -> list[str]:
    """Return a line for each known fault: who, what, why, and with which files."""
    lines = []
    for reader in READERS:
        cases: dict[tuple[Fault, str], list[str]] = {}
        for file in reader.files:
            for fault, why in reader.faults_of(file).items():
                cases.setdefault((fault, why), []).append(file.name)
        for (fault, why), names in cases.items():
            which = "" if len(names) == len(reader.files) else f" ({', '.join(names)})"
            lines.append(f"- {reader.name}{which}, {fault}: {why}.")
    return lines


def with_table(page: str, rows: list[str]) -> str:
    """Return the page with the rows between its two markers."""
    before, _, rest = page.partition(BEGIN)
    _, marker, after = rest.partition(END)
    if not marker:
        raise ValueError(f"The page has no {BEGIN} and {END}.")
    return "\n".join([before + BEGIN, *HEAD, *rows, "", *reasons(), END + after])
