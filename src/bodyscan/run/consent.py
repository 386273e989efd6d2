"""The person's consent, before anything of the scan is read."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bodyscan.consent import Use
from bodyscan.errors import ConsentError, InputError

if TYPE_CHECKING:
    from bodyscan.consent import ConsentRecord, Evidence


def consent_for(
    path: Path, use: Use, now: datetime, evidence: Evidence | None = None
) -> tuple[str, ConsentRecord]:
    """Return the consent's text and its record, which covers making a twin and `use` at `now`.

    Raises `InputError` where the file cannot be read, `ConsentError` where the record does not cover both.
    """
    from bodyscan.consent import require_making
    from bodyscan.run.text_files import read_text

    text = read_text(path)
    return text, require_making(text, use, now, evidence)


def refuse_twin(scan: Path, why: str) -> None:
    """Raise `ConsentError`, ending in `why`, where a scan is a twin that carries a record of its own."""
    if scan.suffix.lower() != ".glb":
        return
    from bodyscan.gltf.consent_copies import consent_copies
    from bodyscan.gltf.container import unpack_glb

    try:
        document, _ = unpack_glb(scan)
    except InputError:
        return  # no GLB of ours; the scan's own reader says what is wrong with it
    if consent_copies(document):
        raise ConsentError(f"{scan.name} is a twin that carries a consent record of its own; {why}")
