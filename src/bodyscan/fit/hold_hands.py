"""Keeps what the hands' own fit found while the rest of the body is solved for.

The whole body has thousands of other points and a prior to please, and a hand is a fortieth of its skin: left
to it, long fingers shrink to the usual length again. So a found hand's joints and fingertips are landmarks,
which do not yield to the surface as a detector's do.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from bodyscan.body.model import BodyModel
from bodyscan.fit.hands import HandGuess
from bodyscan.fit.landmark_term import chosen, joined
from bodyscan.fit.solve import LandmarkTerm

HELD_SIGMA_M = 0.003
"""How far the found joints may be off where all of a finger is shown."""
LEAST_SUPPORT = 0.05
"""Share of a finger's skin below which it is trusted no less: it is then kept where its neighbours lead."""


def hold_hands(
    model: BodyModel, term: LandmarkTerm | None, hands: dict[str, HandGuess]
) -> LandmarkTerm | None:
    """Landmarks with the hands' joints and tips as they were found in place of the detector's.

    The body has thousands of other points and priors to please: without these it shortens long fingers again.
    """
    if not hands:
        return term
    joints = np.concatenate([hand.joint_ids for hand in hands.values()])
    tips = np.concatenate([hand.tip_ids for hand in hands.values()])
    count = len(joints) + len(tips)
    rows = np.arange(count)
    ones = np.ones(count)
    over_joints = sparse.csr_matrix(
        (ones[: len(joints)], (rows[: len(joints)], joints)), shape=(count, model.num_joints)
    )
    over_vertices = sparse.csr_matrix(
        (ones[len(joints) :], (rows[len(joints) :], tips)), shape=(count, model.num_vertices)
    )
    places = [*(hand.joints for hand in hands.values()), *(hand.tips for hand in hands.values())]
    shown = [*(np.repeat(hand.support, [1, 3, 3, 3, 3, 3]) for hand in hands.values())]
    shown += [hand.support[1:] for hand in hands.values()]
    sigma = HELD_SIGMA_M / np.sqrt(np.maximum(np.concatenate(shown), LEAST_SUPPORT))
    held = LandmarkTerm(np.concatenate(places), over_vertices, over_joints, sigma, np.ones(count))
    if term is None:
        return held
    kept = np.asarray(abs(term.joint_weights[:, joints]).sum(axis=1)).reshape(-1) == 0
    return joined(chosen(term, kept), held)
