"""How far cloth lies off the skin: a field that is solved for beside the body.

Points of a garment are wrong together: where it stands off the waist by 20 mm, it does so a hand's breadth
away too. So the gap is a smooth field over the body, a Gaussian process (Rasmussen and Williams 2006) around
the way in which garments usually hang, and the usual gap of this person's clothes is the one under which the
scan is likeliest, the body left open (type II maximum likelihood). What the scan shows of the body's shape
through the cloth counts, then; how thick all of it is does not, and comes from face, hands and joints.

The field is linear in its values, as a Gauss-Newton step is in the body's, so that it is eliminated from the
normal equations exactly (Schur complement) and costs a step next to nothing.

Tried first: cloth that draws the body from inside by a weak force of each point, whatever its neighbours
do. It had to be as weak as all points together are wrong, and girths under loose cloth were off by 49 mm.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from scipy.spatial.distance import cdist

from bodyscan.body.model import BodyModel
from bodyscan.fit.clothing import arms, under_hair
from bodyscan.types import F32, F64, Bool

HANG = np.array(
    [
        (0.04, 1.5),
        (0.25, 1.1),
        (0.43, 0.7),
        (0.50, 1.2),
        (0.56, 1.4),
        (0.61, 1.4),
        (0.68, 1.0),
        (0.75, 0.8),
        (0.83, 0.5),
    ]
)
"""Share of the stature, and how far cloth usually lies off trunk and legs there, against its mean: it stands
off hems and, in two layers, hips and waist, and lies on thighs and shoulders."""
SLEEVE_HANG = 0.8
SLOPE = np.array([(0.47, 0.0), (0.55, 1.2), (0.63, 3.0), (0.70, 1.8), (0.78, 0.0)])
"""Share of the stature, and how much the slope of cloth on the trunk tells there: cloth that faces up by 0.1
is carried by the body, and lies closer to it by exp(-0.1 slope) than cloth that falls straight."""
SLOPES = (-0.3, 0.15)
"""Slopes beyond say no more."""
LEVEL_STD, FIELD_STD = 0.7, 0.5
"""Standard deviation of the mean gap, and of the gap from place to place, over the usual gap."""
REACH_M = 0.25
"""Correlation length of the gap along the body."""
MISFIT_M = 0.0025
"""How far the body model itself lies off a person's skin: no gap need explain that."""
HAIR_M, HAIR_STD_M = 0.012, 0.008
"""Mean and standard deviation of how far hair stands off the head."""
CENTRES, HAIR_CENTRES = 120, 20
"""Points of the body between which the field is interpolated: a palm's width apart."""
SCALES_M = np.geomspace(0.001, 0.04, 12)
"""Usual gaps that are weighed against each other."""
EXPECTED_M, EXPECTED_FACTOR = 0.003, 3.0
"""Middle and standard deviation (as a factor) of usual gaps, where the scan does not tell."""
FIRST_M = 0.015
"""The usual gap that a search starts from: the body has just been fitted to the cloth itself."""


@dataclass(frozen=True, eq=False)
class Gap:
    """The gap between skin and cloth on one body, as far as it is known."""

    values: F64
    """(K,) metres, of the modes of a `GapModel`."""
    usual_m: float
    """How far this person's clothes usually lie off the skin."""


@dataclass(frozen=True, eq=False)
class GapModel:
    """What gaps there can be on a body, and how likely they are."""

    modes: F64
    """(V, K): the gap of each vertex is `modes @ values`, metres. The first mode is how garments hang."""
    hair: Bool
    """(K,) True for modes of hair, which knows nothing of garments."""
    hair_level: int | None
    """Row of the mean of hair among the modes."""

    slope: F64
    """(V,) how much the slope of cloth tells: see `SLOPE`."""

    def at_vertices(self, ids: np.ndarray) -> GapModel:
        """The same gaps on only the vertices `ids`."""
        return replace(self, modes=self.modes[ids], slope=self.slope[ids])

    def of_slopes(self, up: F64) -> GapModel:
        """Gaps under cloth whose slopes are known: `up` (V,) -1..1 is how far it faces up."""
        factor = np.exp(-self.slope * np.clip(up, *SLOPES))
        return replace(self, modes=self.modes * factor[:, None])

    def guess(self, usual_m: float) -> Gap:
        """The mean of gaps whose usual size is given."""
        mean = np.zeros(len(self.hair))
        mean[0] = usual_m
        if self.hair_level is not None:
            mean[self.hair_level] = HAIR_M
        return Gap(mean, usual_m)

    def std(self, usual_m: float) -> F64:
        """(K,) standard deviation of each value, metres."""
        std = np.where(self.hair, HAIR_STD_M, np.hypot(FIELD_STD * usual_m, MISFIT_M))
        std[0] = LEVEL_STD * usual_m
        return std

    def likeliest_scale(self, information: F64, pull: F64) -> float:
        """The usual gap, of `SCALES_M`, under which the scan is likeliest.

        `information` (K, K) and `pull` (K,): the scan's quadratic form c A c / 2 + b c of the values c.
        """
        evidence = [self._log_evidence(usual, information, pull) for usual in SCALES_M]
        return float(SCALES_M[int(np.argmax(evidence))])

    def _log_evidence(self, usual_m: float, information: F64, pull: F64) -> float:
        std, mean = self.std(usual_m), self.guess(usual_m).values
        lower = np.linalg.cholesky(np.eye(len(std)) + std[:, None] * information * std)
        best = np.linalg.solve(lower, std * pull - mean / std)
        fit = 0.5 * best @ best - 0.5 * np.sum(np.square(mean / std))
        expected = np.log(usual_m / EXPECTED_M) / np.log(EXPECTED_FACTOR)
        return float(fit - np.log(np.diag(lower)).sum() - 0.5 * expected**2)

    def eliminate(
        self, rows: F32, weights: F64, pulls: F64, hessian: F64, gradient: F64
    ) -> tuple[F64, F64, Callable[[F64], Gap]]:
        """Takes the gap out of a step's normal equations.

        `rows` (V, P): derivative of each vertex along its normal by the P unknowns of the body. `weights`,
        `pulls` (V,): of cloth, and times the signed distance of body minus scan. `hessian` (P, P) and
        `gradient` (P,): all that is known of the body, cloth with no gap included. Returns both without what
        the gap can explain, and a function that gives the gap after the step that was taken.
        """
        used = np.flatnonzero(weights)
        modes = self.modes[used].astype(np.float32)
        weighted = modes * weights[used, None].astype(np.float32)
        information = (modes.T @ weighted).astype(np.float64)
        cross = (rows[used].T @ weighted).astype(np.float64)
        pull = self.modes[used].T @ pulls[used]
        by_body = np.linalg.solve(hessian, np.hstack([cross, gradient[:, None]]))
        usual = self.likeliest_scale(information - cross.T @ by_body[:, :-1], pull - cross.T @ by_body[:, -1])
        precision = self.std(usual) ** -2.0
        inner = information + np.diag(precision)
        right = pull - precision * self.guess(usual).values
        solved = np.linalg.solve(inner, np.hstack([cross.T, right[:, None]]))

        def after(step: F64) -> Gap:
            return Gap(-(solved[:, -1] + solved[:, :-1] @ step), usual)

        return hessian - cross @ solved[:, :-1], gradient - cross @ solved[:, -1], after


@lru_cache(maxsize=4)
def gap_model(model: BodyModel) -> GapModel:
    """The gaps of a body; made once for each model."""
    template = model.template.astype(np.float64)
    seen = ~model.inner
    hair = under_hair(model)
    blocks = [_block(template, ~hair, ~hair & seen, hanging_profile(model), CENTRES)]
    if hair.any():
        blocks.append(_block(template, hair, hair & seen, np.ones(len(template)), HAIR_CENTRES))
    of_hair = np.repeat([False, True][: len(blocks)], [block.shape[1] for block in blocks])
    slope = np.interp(_height(model), SLOPE[:, 0], SLOPE[:, 1]) * ~(hair | arms(model))
    return GapModel(np.hstack(blocks), of_hair, blocks[0].shape[1] if len(blocks) > 1 else None, slope)


def hanging_profile(model: BodyModel) -> F64:
    """(V,) how far garments usually lie off each vertex, against their mean over the body."""
    profile = np.interp(_height(model), HANG[:, 0], HANG[:, 1])
    profile[arms(model)] = SLEEVE_HANG
    return profile


def _height(model: BodyModel) -> F64:
    """(V,) share of the stature."""
    return model.template[:, 1] / max(float(model.template[:, 1].max()), 1e-9)


def _block(points: F64, where: Bool, centred: Bool, profile: F64, count: int) -> F64:
    """(V, 1 + C) a profile and a field of unit variance, both 0 but `where` (V,) is True.

    The field is exponentially correlated and interpolated from C points among `centred` (V,).
    """
    centres = points[_far_apart(points, np.flatnonzero(centred), count)]
    within = np.exp(-cdist(centres, centres) / REACH_M) + 1e-6 * np.eye(len(centres))
    across = np.exp(-cdist(points, centres) / REACH_M)
    field = np.linalg.solve(np.linalg.cholesky(within), across.T).T
    return where[:, None] * np.hstack([profile[:, None], field])


def _far_apart(points: F64, ids: np.ndarray, count: int) -> np.ndarray:
    """At most `count` of `ids`, each the farthest from those before it."""
    chosen = [int(ids[0])]
    distance = np.full(len(ids), np.inf)
    for _ in range(min(count, len(ids)) - 1):
        distance = np.minimum(distance, np.linalg.norm(points[ids] - points[chosen[-1]], axis=1))
        chosen.append(int(ids[distance.argmax()]))
    return np.array(chosen)
