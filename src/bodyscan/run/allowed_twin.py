"""A finished twin that was read, its consent checked for a use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bodyscan.consent import Use
from bodyscan.errors import InputError

if TYPE_CHECKING:
    from bodyscan.consent import BodyContent, ConsentRecord, ConsentStatus, Evidence
    from bodyscan.gltf import GlbBody

_SAME_PLACE_M = 1e-4
"""Metres by which the drawn vertices may lie off the ones that the consent was checked on."""


@dataclass(frozen=True, eq=False)
class AllowedTwin:
    """A twin whose consent allows the use that was asked about; read once, so that it is what was checked."""

    name: str
    """The file's name without its folder."""
    data: bytes
    """The file."""
    consent: str
    """The consent text that it carries."""
    document: dict[str, Any]
    binary: bytes
    body: GlbBody
    content: BodyContent
    """What the consent was checked against."""
    record: ConsentRecord
    status: ConsentStatus
    evidence: Evidence


def allowed_twin(file: Path, use: Use, now: datetime, evidence: Path | None = None) -> AllowedTwin:
    """Read a twin and check its consent for `use` at `now` (UTC), with what the folder `evidence` holds.

    Raises `ConsentError` where the consent does not allow the use, or where that cannot be told; `InputError`
    where the file cannot be read as a twin; `MissingExtraError` for a Draco file without the extra `draco`.
    """
    from bodyscan.consent.verify import record_or_raise
    from bodyscan.gltf import read_glb
    from bodyscan.gltf.container import unpack_glb
    from bodyscan.run.evidence import memory_place, read_evidence, remember

    if not file.is_file():
        raise InputError(f"There is no file {file}. Give the path of a twin.")
    known = read_evidence(evidence, now=now)
    data = file.read_bytes()
    text, content, status = check_twin(data, use, now, known)
    remember(memory_place(evidence, None), status.record, known, now)
    record = record_or_raise(status)
    assert text is not None  # without one no status is valid
    body = read_glb(data)
    _check_drawn(content, body, file.name)
    document, binary = unpack_glb(data)
    return AllowedTwin(file.name, data, text, document, binary, body, content, record, status, known)


def check_twin(
    data: bytes, use: Use | None, now: datetime, evidence: Evidence | None = None
) -> tuple[str | None, BodyContent, ConsentStatus]:
    """Return the consent text of a twin's file, the body in it, and what the check of both finds.

    Raises as `allowed_twin`, save for the verdict; `ConsentError` where copies of the consent differ.
    """
    from bodyscan.consent import verify_content
    from bodyscan.gltf.read_content import read_content

    text, content = read_content(data)
    return text, content, verify_content(text, content, now=now, use=use, evidence=evidence)


def _check_drawn(content: BodyContent, body: GlbBody, name: str) -> None:
    """The consent is checked on the body at rest; what is drawn is the bind pose: both must be one."""
    import numpy as np

    same = content.positions.shape == body.positions.shape and np.array_equal(content.faces, body.faces)
    if not same or np.abs(content.positions - body.positions).max(initial=0.0) > _SAME_PLACE_M:
        raise InputError(
            f"{name} shows another body at rest than the one that its joints are bound to. Give the twin as "
            "bodyscan wrote it."
        )
