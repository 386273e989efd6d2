"""Named expressions for pictures, as weights of ARKit face shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from bodyscan.errors import InputError


def _both(name: str, weight: float) -> dict[str, float]:
    return {f"{name}Left": weight, f"{name}Right": weight}


EXPRESSIONS: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "smile": {**_both("mouthSmile", 0.9), **_both("cheekSquint", 0.5), **_both("eyeSquint", 0.25)},
        "open_mouth": {"jawOpen": 0.8},
        "eyes_closed": _both("eyeBlink", 1.0),
        "surprise": {
            "browInnerUp": 0.9,
            **_both("browOuterUp", 0.8),
            **_both("eyeWide", 0.8),
            "jawOpen": 0.4,
        },
    }
)
"""Name -> ARKit shape -> weight at full strength."""


def morph_weights(expression: Mapping[str, float], known: Sequence[str]) -> dict[str, float]:
    """Return the weight of each of a twin's face shapes for an expression.

    `expression`: name of `EXPRESSIONS` or of a face shape -> strength, 0..1; `known`: the twin's face shapes,
    in ARKit's spelling or with a capital first letter, as some readers want. Parts that meet in a shape add
    up to 1 at most. Raises `InputError` for a strength outside 0..1, and for a name or a part of a named
    expression that the twin does not have.
    """
    spelled = {name[:1].lower() + name[1:]: name for name in known}
    weights: dict[str, float] = {}
    for name, strength in expression.items():
        if not 0 <= strength <= 1:
            raise InputError(f"The expression {name} has the strength {strength}; possible is 0 to 1.")
        parts = EXPRESSIONS.get(name) or {name[:1].lower() + name[1:]: 1.0}
        for part, share in parts.items():
            if part not in spelled:
                raise InputError(_unknown(name, part, known))
            shape = spelled[part]
            weights[shape] = min(1.0, weights.get(shape, 0.0) + strength * share)
    return weights


def _unknown(name: str, part: str, known: Sequence[str]) -> str:
    if not known:
        return f"The twin has no face shapes, so that it cannot show {name}."
    if name in EXPRESSIONS:
        return f"The twin has no face shape {part}, which the expression {name} needs."
    return (
        f"There is no expression and no face shape {name}; possible are {', '.join(EXPRESSIONS)}, and the "
        f"twin's own shapes: {', '.join(known)}."
    )
