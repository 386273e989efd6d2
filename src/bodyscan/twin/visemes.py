"""Mouth shapes of speech, composed from the face shapes by one table.

Names and phonemes are those of the 15 visemes of the Oculus lip-sync engine (Meta, "Viseme Reference"),
which VRChat, Ready Player Me and others read too; they merge the 14 visemes of MPEG-4 Facial Animation
(ISO/IEC 14496-2, table C.1). Weights follow from how each sound is made (International Phonetic
Association, "Handbook of the IPA", 1999: place of articulation, height and rounding of vowels) and were set
by eye on rendered faces.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from bodyscan.errors import InputError
from bodyscan.types import Morph

PREFIX = "viseme_"
PHONEMES: Mapping[str, str] = MappingProxyType(
    {
        "sil": "silence",
        "PP": "p b m: lips pressed together",
        "FF": "f v: lower lip against the upper teeth",
        "TH": "th: tongue between the teeth",
        "DD": "t d: tongue behind the upper teeth",
        "kk": "k g: tongue at the soft palate",
        "CH": "tS dZ S: lips pushed out, teeth together",
        "SS": "s z: lips wide, teeth together",
        "nn": "n l: tongue at the gum, lips apart",
        "RR": "r: lips slightly rounded",
        "aa": "A: open vowel, jaw low",
        "E": "e: half open, lips spread",
        "ih": "i: nearly closed, lips spread",
        "oh": "o: half open, lips rounded",
        "ou": "u: nearly closed, lips pushed out",
    }
)
"""Viseme -> its phonemes (X-SAMPA) and what the mouth does."""


def _both(name: str, weight: float) -> dict[str, float]:
    return {f"{name}Left": weight, f"{name}Right": weight}


VISEMES: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "sil": {},
        "PP": {**_both("mouthPress", 0.35), "mouthRollUpper": 0.30, "mouthRollLower": 0.30},
        "FF": {"mouthRollLower": 0.80, "mouthShrugLower": 0.25, **_both("mouthUpperUp", 0.45)},
        "TH": {
            "jawOpen": 0.17, "tongueOut": 0.80, **_both("mouthUpperUp", 0.15),
            **_both("mouthLowerDown", 0.20),
        },
        "DD": {"jawOpen": 0.15, **_both("mouthLowerDown", 0.35), **_both("mouthUpperUp", 0.25)},
        "kk": {"jawOpen": 0.22, **_both("mouthLowerDown", 0.20), **_both("mouthStretch", 0.15)},
        "CH": {"jawOpen": 0.06, "mouthFunnel": 0.75, **_both("mouthLowerDown", 0.10)},
        "SS": {
            **_both("mouthStretch", 0.35), **_both("mouthSmile", 0.15),
            **_both("mouthLowerDown", 0.55), **_both("mouthUpperUp", 0.35),
        },
        "nn": {"jawOpen": 0.18, **_both("mouthLowerDown", 0.25), **_both("mouthUpperUp", 0.10)},
        "RR": {"jawOpen": 0.13, "mouthPucker": 0.35, "mouthFunnel": 0.30},
        "aa": {"jawOpen": 0.52, **_both("mouthUpperUp", 0.15), **_both("mouthLowerDown", 0.10)},
        "E": {
            "jawOpen": 0.28, **_both("mouthStretch", 0.30), **_both("mouthSmile", 0.15),
            **_both("mouthUpperUp", 0.20), **_both("mouthLowerDown", 0.20),
        },
        "ih": {
            "jawOpen": 0.14, **_both("mouthStretch", 0.30), **_both("mouthSmile", 0.30),
            **_both("mouthUpperUp", 0.20), **_both("mouthLowerDown", 0.25),
        },
        "oh": {"jawOpen": 0.40, "mouthFunnel": 0.45, "mouthPucker": 0.20},
        "ou": {"jawOpen": 0.14, "mouthPucker": 0.80, "mouthFunnel": 0.25},
    }
)  # fmt: skip
"""Viseme -> ARKit shape -> weight 0..1. For engines that mix expressions themselves (VRM) as it stands."""


def visemes(morphs: Sequence[Morph]) -> tuple[Morph, ...]:
    """The 15 visemes as morphs `viseme_sil`, `viseme_PP` ... of the same mesh as `morphs`.

    `morphs`: the ARKit shapes, as `face_shapes` returns them. No morphs give no visemes. Raises `InputError`
    where a shape that the table needs is missing, naming it.
    """
    if not morphs:
        return ()
    known = {morph.name: morph for morph in morphs}
    needed = sorted({name for mix in VISEMES.values() for name in mix} - set(known))
    if needed:
        raise InputError(
            f"Visemes are composed from ARKit face shapes; {', '.join(needed)} are missing. Give all 52."
        )
    return tuple(mixed(PREFIX + name, known, mix) for name, mix in VISEMES.items())


def mixed(name: str, known: Mapping[str, Morph], mix: Mapping[str, float]) -> Morph:
    """One morph `name` that is the weighted sum of others."""
    parts = [known[part] for part in mix]
    if not parts:
        return Morph(name, np.zeros(0, np.int32), np.zeros((0, 3), np.float32))
    ids, place = np.unique(np.concatenate([part.vertex_ids for part in parts]), return_inverse=True)
    weighted = [w * part.deltas.astype(np.float64) for part, w in zip(parts, mix.values(), strict=True)]
    sums = np.zeros((len(ids), 3))
    np.add.at(sums, place, np.concatenate(weighted))
    return Morph(name, ids.astype(np.int32), sums.astype(np.float32))
