"""The 64 bits by which a picture names its twin: a digest of the consent record's id and the twin's
geometry.

A picture carries them in its metadata and in its watermark. They tell nothing by themselves; whoever holds
the twin, or a list of twins, makes the same digest and compares. Two of n twins share an id by chance with
a probability of n^2 / 2^65: 3 in 100 million for a million twins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from bodyscan.consent.binding import OpenedConsent, open_consent
from bodyscan.errors import InputError
from bodyscan.mark.info import MarkInfo

TWIN_ID_BYTES = 8
DOMAIN = b"bodyscan twin id v1\n"
NO_GEOMETRY = ""
"""Stands for the geometry where no twin was made: pictures of a scan and of a fit that was refused."""


@dataclass(frozen=True)
class TwinName:
    """Whom an id stands for."""

    record_id: str
    subject_pseudonym: str
    source: str
    """Where this was looked up: the name of a file, a ledger."""


TwinNames = Mapping[bytes, TwinName]
"""Twin id (8 bytes) -> name: what a list of files, or a ledger, gives to `detect`."""


def twin_id(record_id: str, geometry: str) -> bytes:
    """Return the 8 bytes of a twin: the record's id, and `geometry_digest` of the surface it is bound to.

    The first 8 bytes of SHA-256 over `bodyscan twin id v1`, the id and the digest, each ended by a newline.
    `InputError` where a part holds a newline, or the id is empty.
    """
    if not record_id.strip() or "\n" in record_id or "\n" in geometry:
        raise InputError(
            f"No twin id can be made of the record id {record_id!r} and the geometry {geometry!r}; "
            "give the id of a consent record and the digest of a geometry, each on one line."
        )
    return sha256(DOMAIN + f"{record_id}\n{geometry}\n".encode()).digest()[:TWIN_ID_BYTES]


def bound_geometry(consent: str) -> str:
    """Return the geometry digest that a twin's consent text is bound to, `NO_GEOMETRY` without a binding.

    Raises `ConsentError` where the text's signatures do not hold.
    """
    return _geometry(open_consent(consent))


def names_of_consent(consent: str, source: str) -> dict[bytes, TwinName]:
    """Return the ids that pictures made under a consent text carry: of its twin, and of its scan.

    Raises `ConsentError` where the text's signatures do not hold. Whether the consent is valid now is not
    asked: a picture may be older than a withdrawal.
    """
    opened = open_consent(consent)
    record = opened.record
    name = TwinName(record.record_id, record.subject.pseudonym, source)
    return {twin_id(record.record_id, part): name for part in {NO_GEOMETRY, _geometry(opened)}}


def mark_under(consent: str, purpose: str, software: str) -> MarkInfo:
    """Return what pictures of the twin that carries this consent text have to say.

    Raises `ConsentError` where the text's signatures do not hold. Whether the consent allows the picture
    is the caller's to check, before it is drawn.
    """
    opened = open_consent(consent)
    record = opened.record
    own = twin_id(record.record_id, _geometry(opened)).hex()
    return MarkInfo(
        record.record_id,
        record.subject.pseudonym,
        purpose,
        software,
        own,
        label=record.disclosure.label,
        source_type=str(record.disclosure.source_type),
    )


def _geometry(opened: OpenedConsent) -> str:
    return NO_GEOMETRY if opened.binding is None else opened.binding.seal.geometry
