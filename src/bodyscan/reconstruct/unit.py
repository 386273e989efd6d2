"""The unit of a scan, from the size that it would give the person.

Height is estimated from the skeleton, which neither a floor, a plinth, a hat nor a bent pose disturbs: thigh
and shin, trunk, and shoulder to nose together are 0.88 of a person's height (0.865 to 0.894 on 11 bodies,
adults and a child, 0.6 to 1.86 units tall).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bodyscan.errors import InputError
from bodyscan.reconstruct.landmarks import Skeleton33

METRES_PER_UNIT = {"m": 1.0, "cm": 0.01, "mm": 0.001, "in": 0.0254}
UNIT_WORDS = {"m": "metres", "cm": "centimetres", "mm": "millimetres", "in": "inches"}
SKELETON_SHARE = 0.88
SMALLEST_M, TALLEST_M = 0.75, 2.35
"""From a child of one year to the tallest people."""
GIVEN_SMALLEST_M, GIVEN_TALLEST_M = 0.4, 2.8
"""What is believed when the unit was given: a newborn, or a tall person with hat on a stand."""
TODDLER_EYES = 0.115
"""Distance of the eyes over leg length: 0.03 to 0.09 in adults and school children, far more in toddlers."""


@dataclass(frozen=True)
class UnitEstimate:
    """What a unit of the input is."""

    unit: str
    """`m`, `cm`, `mm`, `in`, or `unknown` where no unit makes a person's size."""
    metres_per_unit: float
    inferred: bool
    """False where the unit was given."""
    confidence: float
    """0..1."""
    notes: tuple[str, ...]


def skeleton_height(skeleton: Skeleton33, min_confidence: float = 0.2) -> float | None:
    """Height of the person in the skeleton's unit, or None where a trunk or a leg was not seen."""

    def between(first: str, second: str) -> float:
        return float(np.linalg.norm(skeleton[first] - skeleton[second]))

    def sure(*names: str) -> bool:
        return all(skeleton.sure(name) >= min_confidence for name in names)

    if not sure("nose", *(f"{s}_{p}" for s in ("left", "right") for p in ("shoulder", "hip"))):
        return None
    seen = [s for s in ("left", "right") if sure(f"{s}_hip", f"{s}_knee", f"{s}_ankle")]
    if not seen:
        return None
    legs = [between(f"{s}_hip", f"{s}_knee") + between(f"{s}_knee", f"{s}_ankle") for s in seen]
    weights = [min(skeleton.sure(f"{s}_knee"), skeleton.sure(f"{s}_ankle")) for s in seen]
    shoulders = skeleton.middle("shoulder")
    trunk = float(np.linalg.norm(shoulders - skeleton.middle("hip")))
    return (
        float(np.average(legs, weights=weights)) + trunk + float(np.linalg.norm(skeleton["nose"] - shoulders))
    ) / SKELETON_SHARE


def choose_unit(
    height: float, given: str | None, assume_height_m: float | None, skeleton: Skeleton33 | None = None
) -> UnitEstimate:
    """The unit in which `height` (input units) is a person's.

    `assume_height_m` (metres) is what a person of no plausible size in any unit is scaled to; None refuses.
    Raises `InputError` for an unknown unit, a given unit that makes no person, or a refused size.
    """
    if given is not None:
        return _given_unit(height, given)
    fitting = [u for u, m in METRES_PER_UNIT.items() if SMALLEST_M <= height * m <= TALLEST_M]
    if not fitting:
        return _unknown_unit(height, assume_height_m)
    if len(fitting) == 1:
        unit = fitting[0]
        note = (
            f"Unit inferred: {UNIT_WORDS[unit]}, the person is {height * METRES_PER_UNIT[unit]:.2f} m tall."
        )
        return UnitEstimate(unit, METRES_PER_UNIT[unit], True, 0.95, (note,))
    return _ambiguous_unit(height, fitting, skeleton)


def _ambiguous_unit(height: float, fitting: list[str], skeleton: Skeleton33 | None) -> UnitEstimate:
    """75 to 92 units: a tall adult in inches or a toddler in centimetres; proportions tell."""
    by_size = sorted(fitting, key=lambda u: METRES_PER_UNIT[u])
    toddler = skeleton is not None and _is_toddler(skeleton)
    unit = by_size[0] if toddler else by_size[-1]
    other = by_size[-1] if toddler else by_size[0]
    note = (
        f"Unit inferred: {UNIT_WORDS[unit]} ({height * METRES_PER_UNIT[unit]:.2f} m tall), because the "
        f"proportions are {'a small child' if toddler else 'an adult'}'s; {UNIT_WORDS[other]} would make "
        f"{height * METRES_PER_UNIT[other]:.2f} m. Give the unit if this is wrong."
    )
    return UnitEstimate(unit, METRES_PER_UNIT[unit], True, 0.6, (note,))


def _is_toddler(skeleton: Skeleton33) -> bool:
    legs = [
        np.linalg.norm(skeleton[f"{s}_hip"] - skeleton[f"{s}_knee"])
        + np.linalg.norm(skeleton[f"{s}_knee"] - skeleton[f"{s}_ankle"])
        for s in ("left", "right")
    ]
    eyes = np.linalg.norm(skeleton["left_eye"] - skeleton["right_eye"])
    known = [leg for leg in legs if np.isfinite(leg)]
    return bool(known) and bool(eyes / np.mean(known) > TODDLER_EYES)


def _given_unit(height: float, given: str) -> UnitEstimate:
    if given not in METRES_PER_UNIT:
        raise InputError(f"The unit {given!r} is not known; give one of {', '.join(METRES_PER_UNIT)}.")
    metres = height * METRES_PER_UNIT[given]
    if not GIVEN_SMALLEST_M <= metres <= GIVEN_TALLEST_M:
        fitting = [u for u, m in METRES_PER_UNIT.items() if SMALLEST_M <= height * m <= TALLEST_M]
        hint = f"In {' or '.join(UNIT_WORDS[u] for u in fitting)} it would be plausible. " if fitting else ""
        raise InputError(
            f"In {UNIT_WORDS[given]} the person would be {metres:.3g} m tall ({height:.4g} units). {hint}"
            "Give the right unit, or none to have it inferred."
        )
    return UnitEstimate(given, METRES_PER_UNIT[given], False, 1.0, ())


def _unknown_unit(height: float, assume_height_m: float | None) -> UnitEstimate:
    if assume_height_m is None:
        raise InputError(
            f"The person is {height:.4g} units tall: no person's size in metres, centimetres, millimetres or "
            "inches. Give the unit (m, cm, mm, in), or a height in metres to assume."
        )
    note = (
        f"The person is {height:.4g} units tall, which is no person's size in metres, centimetres, "
        "millimetres or inches (a statue, a doll, or a scan of normalised size?). "
        f"It was scaled to {assume_height_m:.2f} m: all measurements are relative to "
        "that height. Give the unit or the height to change this."
    )
    return UnitEstimate("unknown", assume_height_m / height, True, 0.3, (note,))
