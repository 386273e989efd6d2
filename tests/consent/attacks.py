"""The attack table: hostile files and what a verifier must say of each.

Row 0 is the honest twin, which is allowed. Every other row differs from it by the one thing that its name
says, so that this thing is what decides.
"""

from __future__ import annotations

from consent.attacks_base import Attack
from consent.attacks_bodies import BODIES
from consent.attacks_faces import FACES
from consent.attacks_harmless import HARMLESS
from consent.attacks_records import RECORDS, SIGNATURES, USES
from consent.attacks_rigs import RIGS

ATTACKS: tuple[Attack, ...] = (*HARMLESS, *USES, *RECORDS, *SIGNATURES, *BODIES, *FACES, *RIGS)
"""Files and texts, judged by `Attack.judge`."""
