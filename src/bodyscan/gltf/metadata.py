"""What the file says about itself: consent, measurements, landmarks, provenance, and that it is synthetic.

Tools drop unknown parts of a glTF, and no single place outlives them all. The consent record is
therefore written three times: in the root extension `BODYSCAN_consent`, in a `KHR_xmp_json_ld` packet,
and in the extras of the body node. Copies that differ are a sign of tampering and refused.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from enum import Enum
from pathlib import PurePath
from typing import Any

import numpy as np

from bodyscan.consent.binding import record_of
from bodyscan.consent.state import RefusedConsent
from bodyscan.errors import InputError
from bodyscan.gltf.rights import RIGHTS_CONTEXT, rights_terms
from bodyscan.types import Measurement, Provenance, ProvenanceStep, Twin

KEY = "bodyscan"
"""The one key below which everything of ours stands in `extras`."""
CONSENT_EXTENSION = "BODYSCAN_consent"
XMP_EXTENSION = "KHR_xmp_json_ld"
FORMAT_VERSION = 1

DIGITAL_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeSynthetic"
"""IPTC NewsCodes: a composite with at least one synthetic element (here capture plus body model)."""
XMP_CONTEXT = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    KEY: "urn:bodyscan:1",
    **RIGHTS_CONTEXT,
}


def describe_twin(twin: Twin) -> dict[str, Any]:
    """Return everything but the consent as JSON values. Raises `InputError` for a value JSON cannot hold."""
    return {
        "format_version": FORMAT_VERSION,
        "synthetic": True,
        "pose": twin.pose,
        "measurements": to_json_value(twin.measurements, "twin.measurements"),
        "landmarks": to_json_value(twin.landmarks, "twin.landmarks"),
        "provenance": to_json_value(twin.provenance, "twin.provenance"),
    }


def consent_extension(consent: str) -> dict[str, Any]:
    """Return the value of the root extension."""
    return {"record": consent}


def xmp_packet(consent: str, software: str) -> dict[str, Any]:
    """Return the XMP packet as JSON-LD (ISO 16684-3): the consent text, and what its record says in the terms
    of `rights.rights_terms`.

    A text that is no sound signed record is written alone: nothing can be said in its name.
    """
    try:
        terms = rights_terms(record_of(consent))
    except RefusedConsent:
        terms = {}
    return {
        "@context": XMP_CONTEXT,
        "@id": "",
        "dc:format": "model/gltf-binary",
        "xmp:CreatorTool": software,
        "Iptc4xmpExt:DigitalSourceType": DIGITAL_SOURCE_TYPE,
        **terms,
        f"{KEY}:consent": consent,
    }


def to_json_value(value: Any, where: str) -> Any:
    """Return `value` made of dict, list, str, int, float, bool and None. A path becomes its last name.

    Raises `InputError`, naming the place, for anything else and for NaN and infinity.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): to_json_value(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json_value(item, f"{where}[{i}]") for i, item in enumerate(value)]
    if isinstance(value, set | frozenset):
        return [to_json_value(item, where) for item in sorted(value, key=str)]
    if isinstance(value, PurePath):
        # The folder is the affair of the machine that wrote the file, not of the twin.
        return value.name
    if isinstance(value, float) and not np.isfinite(value):
        raise InputError(f"{where} is {value}; a glTF file holds finite numbers only.")
    if value is None or isinstance(value, str | bool | int | float):
        return value
    raise InputError(f"{where} is of the type {type(value).__name__}, which JSON cannot hold.")


def bodyscan_extras(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return our extras: those of the body node, else of another place, else of the asset; else empty."""
    for kind in ("nodes", "meshes", "scenes"):
        for item in _list(document.get(kind)):
            ours = _object(_object(_object(item).get("extras")).get(KEY))
            if "provenance" in ours:
                return dict(ours)
    return dict(_object(_object(_object(document.get("asset")).get("extras")).get(KEY)))


def parse_measurements(extras: Mapping[str, Any]) -> tuple[Measurement, ...]:
    """Return the measurements of `bodyscan_extras`. Raises `InputError` where one is malformed."""
    return tuple(_build(Measurement, item) for item in _list(extras.get("measurements")))


def parse_landmarks(extras: Mapping[str, Any]) -> dict[str, tuple[float, float, float]]:
    """Return landmark name -> position in metres. Raises `InputError` where one is malformed."""
    result = {}
    for name, point in _object(extras.get("landmarks")).items():
        try:
            x, y, z = (float(value) for value in point)
        except (TypeError, ValueError):
            raise InputError(f"The landmark '{name}' in the file is {point!r}, not three numbers.") from None
        result[name] = (x, y, z)
    return result


def parse_provenance(extras: Mapping[str, Any]) -> Provenance | None:
    """Return the provenance, or None where the file holds none. Raises `InputError` where it is malformed."""
    stored = extras.get("provenance")
    if stored is None:
        return None
    stored = dict(_object(stored))
    steps = []
    for item in _list(stored.get("steps")):
        item = dict(_object(item))
        steps.append(_build(ProvenanceStep, item | {"notes": tuple(_list(item.get("notes")))}))
    return _build(Provenance, stored | {"steps": tuple(steps)})


def _build(cls: Any, stored: Any) -> Any:
    known = {f.name for f in dataclasses.fields(cls)}
    try:
        return cls(**{key: value for key, value in _object(stored).items() if key in known})
    except TypeError as error:
        raise InputError(f"The file's {cls.__name__} is incomplete: {error}.") from None


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
