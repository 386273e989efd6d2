"""Where a file holds its consent: three places, which must agree.

The consent stands in the root extension `BODYSCAN_consent`, in a `KHR_xmp_json_ld` packet and in the extras
of the body node, because no single place outlives all tools. One that is gone is reported; copies that differ
are a sign of tampering and refused.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

from bodyscan.consent.binding import record_of
from bodyscan.errors import ConsentError
from bodyscan.gltf.metadata import CONSENT_EXTENSION, KEY, XMP_EXTENSION
from bodyscan.gltf.rights import contradictions, rights_terms

NUM_COPIES = 3
"""Places in a file as it is written."""
_XMP_MEMBER = f"{KEY}:consent"


def consent_copies(document: Mapping[str, Any]) -> dict[str, str]:
    """Return where in the document a consent record stands, and its text.

    Raises `ConsentError` where a copy is there and is not text.
    """
    copies = {}
    for place, holder, member in _places(document):
        text = holder.get(member)
        if not isinstance(text, str) or not text.strip():
            raise ConsentError(
                f"The consent copy in {place} is not a record but {type(text).__name__}: "
                "the file was altered."
            )
        copies[place] = text
    return copies


def agreed_consent(document: Mapping[str, Any]) -> str | None:
    """Return the consent text that all copies agree on; None where there is no copy.

    Raises `ConsentError` where copies differ, or where the rights terms beside a copy say something else than
    the record in it: one of them was exchanged.
    """
    copies = consent_copies(document)
    texts = set(copies.values())
    if len(texts) > 1:
        raise ConsentError(
            f"The file holds {len(texts)} different consent records ({', '.join(copies)}). "
            "One of them was exchanged: do not use the file, ask for it again from its source."
        )
    if not texts:
        return None
    text = texts.pop()
    _check_rights(document, text)
    return text


def replace_consent(document: Mapping[str, Any], text: str) -> dict[str, Any]:
    """Return the document with `text` in every place that holds a consent, and its rights terms beside it.

    Raises `ConsentError` where it holds none, or copies that differ.
    """
    if agreed_consent(document) is None:
        raise ConsentError("The file holds no consent that could be renewed.")
    new = copy.deepcopy(dict(document))
    for _, holder, member in _places(new):
        holder[member] = text
        if member == _XMP_MEMBER:
            _renew_rights(holder, text)
    return new


def _renew_rights(packet: MutableMapping[str, Any], text: str) -> None:
    """Let a packet's rights terms say what the record in `text` says; a text that is unsound says nothing."""
    try:
        record = record_of(text)
    except ConsentError:
        return
    for name in contradictions(packet, record):
        del packet[name]
    packet.update(rights_terms(record))


def _check_rights(document: Mapping[str, Any], text: str) -> None:
    """Refuse terms for other people's software that contradict the record: nobody signed them."""
    try:
        record = record_of(text)
    except ConsentError:
        return  # the consent itself is refused, by whoever judges it
    for packet in _list(_object(_object(document.get("extensions")).get(XMP_EXTENSION)).get("packets")):
        if _XMP_MEMBER in _object(packet) and (wrong := contradictions(packet, record)):
            raise ConsentError(
                f"The file's rights terms contradict its consent: {', '.join(wrong)}. One of them was "
                "exchanged: do not use the file, ask for it again from its source."
            )


def _places(document: Mapping[str, Any]) -> Iterator[tuple[str, MutableMapping[str, Any], str]]:
    """Yield the name of each place that holds a consent, the object that holds it, and its member."""
    extensions = _object(document.get("extensions"))
    if CONSENT_EXTENSION in extensions:
        yield f"the extension {CONSENT_EXTENSION}", _object(extensions[CONSENT_EXTENSION]), "record"
    packets = _object(extensions.get(XMP_EXTENSION)).get("packets")
    for index, packet in enumerate(_list(packets)):
        if _XMP_MEMBER in _object(packet):
            yield f"XMP packet {index}", packet, _XMP_MEMBER
    for kind in ("nodes", "meshes", "scenes"):
        for index, item in enumerate(_list(document.get(kind))):
            ours = _object(_object(_object(item).get("extras")).get(KEY))
            if "consent" in ours:
                yield f"the extras of {kind}[{index}]", ours, "consent"


def _object(value: Any) -> MutableMapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
