"""What the verifier page must know of this package: taken from it, so that the two cannot drift apart."""

from __future__ import annotations

import sys
import unicodedata
from functools import cache
from typing import Any

from bodyscan.consent import attestation, bundle, verify
from bodyscan.consent.binding import Binding
from bodyscan.consent.fields import check_text, signed_schema
from bodyscan.consent.fingerprint import MAX_AREA_CHANGE, MAX_MM, MEAN_MM
from bodyscan.consent.key_history import KeyList
from bodyscan.consent.record import record_json_schema
from bodyscan.consent.seal import morphs, rig, texture
from bodyscan.consent.territories import COUNTRY_CODES, USER_ASSIGNED
from bodyscan.consent.withdrawal import WithdrawalStatement
from bodyscan.gltf import read_looks, read_motion

LOOKALIKE_SCRIPTS = ("ARMENIAN", "CHEROKEE", "COPTIC", "CYRILLIC", "GREEK", "LATIN", "LISU")
"""Scripts of which one word may hold letters of one alone (see `bodyscan.consent.fields.check_text`)."""


@cache
def verifier_data() -> dict[str, Any]:
    """Return what the page must know of this package, as JSON values."""
    return {
        "schemas": {
            "record": record_json_schema(),
            "binding": signed_schema(Binding),
            "attestation": signed_schema(attestation.Attestation),
            "keys": signed_schema(KeyList),
            "withdrawal": signed_schema(WithdrawalStatement),
        },
        "countries": sorted(COUNTRY_CODES | USER_ASSIGNED),
        "limits": _limits(),
        **_characters(),
    }


def _limits() -> dict[str, Any]:
    """Return up to where the package calls two things the same, and what a twin's material may hold."""
    return {
        "surface": {
            "maxMm": MAX_MM,
            "meanMm": MEAN_MM,
            "areaChange": MAX_AREA_CHANGE,
            "otherBodyMm": verify.OTHER_BODY_MM,
        },
        "rig": {
            "jointMm": rig.JOINT_MM,
            "maxMm": rig.MAX_MM,
            "meanMm": rig.MEAN_MM,
            "carries": rig.CARRIES,
            "nearM": rig.NEAR_M,
        },
        "motion": {"scaleShare": read_motion.SCALE_SHARE, "movedM": read_motion.MOVED_M},
        "shapes": {
            "leastM": morphs.LEAST_M,
            "maxMm": morphs.MAX_MM,
            "maxShare": morphs.MAX_SHARE,
            "meanMm": morphs.MEAN_MM,
            "meanShare": morphs.MEAN_SHARE,
        },
        "texture": {what: list(limits) for what, limits in texture.LIMITS.items()},
        "attestation": {"maxMm": attestation.MAX_MM, "meanMm": attestation.MEAN_MM},
        "bundle": {"attestations": bundle.MAX_ATTESTATIONS, "stamps": bundle.MAX_STAMPS},
        "looks": {
            "plainTextures": sorted(read_looks.PLAIN_TEXTURES),
            "otherMaterials": sorted(read_looks.OTHER_MATERIALS),
            "plainMaterials": sorted(read_looks.PLAIN_MATERIALS),
            "sameLevels": read_looks.SAME_LEVELS,
        },
    }


def _characters() -> dict[str, Any]:
    """Return which code points no text may hold, and those of each script, as first, last, first, last ..."""
    refused: list[int] = []
    scripts: dict[str, list[int]] = {script: [] for script in LOOKALIKE_SCRIPTS}
    for code in range(sys.maxunicode + 1):
        char = chr(code)
        if unicodedata.category(char) in ("Cn", "Co", "Cs"):  # most of all code points
            _extend(refused, code)
            continue
        if _is_refused(char):
            _extend(refused, code)
        script = unicodedata.name(char, "").split(" ", 1)[0] if char.isalpha() else ""
        if script in scripts:
            _extend(scripts[script], code)
    return {"refusedCharacters": refused, "scripts": scripts}


def _is_refused(char: str) -> bool:
    """True where no text may hold the character, wherever it stands and in whatever normal form."""
    try:
        check_text(f".{char}.")  # so that it is neither first nor last
    except ValueError as error:
        return "control character" in str(error)
    return False


def _extend(ranges: list[int], code: int) -> None:
    if ranges and ranges[-1] == code - 1:
        ranges[-1] = code
    else:
        ranges += [code, code]
