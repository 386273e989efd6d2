"""Fits the scan of an expression of a person whose neutral face is known.

The person's shape is held: what may change is where the head is, the weights of the face shapes (0 to 1,
few of them: Lasso, Tibshirani 1996), and, at the end, surface detail of the face. Rest and expression come
from two scans, so that the difference is only believed where it is larger than both scans' errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from bodyscan.body.landmarks import detector_points
from bodyscan.body.model import BodyModel
from bodyscan.errors import InputError
from bodyscan.fit.detail import Measured, measure, refine_surface
from bodyscan.fit.landmark_term import usable
from bodyscan.fit.scan_points import ScanPoints, draw_scan_points
from bodyscan.geometry.rotations import rotvec_to_matrix
from bodyscan.geometry.weld import used_vertices
from bodyscan.types import F64, BodyFit, Bool, Mesh, ScanMesh

NOT_FITTED = ("eyeLook", "tongueOut")
"""Shapes that a scan of skin does not tell: the gaze is the animator's."""
POINTS = 16_000
MARGIN_M = 0.06
"""The scan is looked at within so much of the neutral head, metres."""
RIGID_REACHES_M = (0.040, 0.040, 0.040, 0.030, 0.030, 0.020, 0.020, 0.015, 0.015, 0.010, 0.010, 0.010)
"""How far a still part of the head may lie from the scan, step for step while the head alone moves."""
REACHES_M = (*(0.060,) * 6, *(0.040,) * 4, *(0.025,) * 4, *(0.015,) * 4, *(0.010,) * 4)
"""The same for the whole face, while weights move as well."""
WITH_HEAD = 0.97
"""Skin that goes with the head by at least this share: below it a turned neck stretches it."""
LASSO_MM2, LASSO_NOISE, RIDGE_MM2 = 0.003, 0.010, 0.001
"""Price of a weight of 1 (and what the square of the scan's noise adds to it), and of its square, against the
mean squared distance, square millimetres."""
LONG_STEP = 1.4
"""Nearest points slide along with the surface, which makes steps short: weights go so much farther."""
DETAIL_LIMIT_M, DETAIL_LENGTH_M = 0.012, 0.008
FEWEST_POINTS = 400
SAME_PERSON_MM = 1.0
"""Mean distance, at the end, of the head's still parts to the scan from which it is another person."""
LEAST_MOTION_MM = 1.0
"""98th percentile of the face's movement below which there is no expression, if the scans are clean."""


@dataclass(frozen=True, eq=False)
class ExpressionFit:
    """An expression of one person."""

    weights: Mapping[str, float]
    """ARKit shape -> 0..1, those that are not 0."""
    displacement: F64
    """(V, 3) metres: from the neutral surface to the expression, in the captured pose of the neutral fit; not
    masked: what lies beside the face is the scans' difference."""
    detail: F64
    """(V, 3) metres: the part of it that the shapes do not explain."""
    world_from_scan: F64
    """(4, 4) rigid: takes the expression's scan to the neutral fit's world frame, heads on each other."""
    still_mm: float
    """Mean distance of the head's still parts (brow ridge, nose, skull) to the scan, millimetres."""
    face_mm: float
    """Mean distance of the moving face to the scan, with detail."""
    motion_mm: float
    """98th percentile of how far the face moved."""


def fit_expression(
    model: BodyModel, neutral: BodyFit, scan: ScanMesh, shapes: Mapping[str, F64] | None = None
) -> ExpressionFit:
    """Fit an expression scan of the person of `neutral`.

    `scan`: a cleaned scan of the same person, whole or the head alone, in metres, upright and facing +Z.
    `shapes`: ARKit shape -> (V, 3) metres, the person's own shapes in the captured pose of `neutral`; without
    it the model's are turned with the head. Raises `InputError` where the model has no shapes or no region
    `head`, the scan has no head where the person's is, shows another person, or shows no expression.
    """
    if not model.expression_ids or "head" not in model.region_names:
        raise InputError(
            f"The body model '{model.name}' has no face shapes, so that no expression can be fitted; use the "
            "packaged body."
        )
    surface = np.asarray(neutral.surface.vertices, np.float64)
    if surface.shape != (model.num_vertices, 3):
        raise InputError(
            f"The neutral fit's surface has {len(surface)} vertices and the body model {model.num_vertices}; "
            "give the model that was fitted."
        )
    moves = shapes if shapes is not None else _turned_shapes(model, neutral)
    moves = {name: shape for name, shape in moves.items() if not name.startswith(NOT_FITTED)}
    head = replace(model, faces=_head_faces(model))
    points, start = _aligned(model, neutral, scan)
    state = _State(points, start, np.zeros(len(moves)))
    basis = np.stack(list(moves.values()), axis=2)
    middle = surface[model.region("head")].mean(axis=0)
    still = _still(model, neutral)
    skull = replace(head, faces=head.faces[still[head.faces].all(axis=1)])
    for part, reaches in ((skull, RIGID_REACHES_M), (head, REACHES_M)):
        for reach in reaches:
            current = surface + basis @ state.weights
            measured = measure(part, current, np.zeros_like(current), state.points, reach)
            state = _step(state, measured, current, basis, middle, free=part is head)
    current = surface + basis @ state.weights
    detail = refine_surface(
        head, current, state.points, limit_m=DETAIL_LIMIT_M, smooth_length_m=DETAIL_LENGTH_M
    ).offsets
    # Skin beside the face is nobody's expression: there the surfaces of the two scans may differ as they
    # like.
    displacement = current + detail - surface
    face = ~still & _moving(model)
    fit = ExpressionFit(
        MappingProxyType({n: float(w) for n, w in zip(moves, state.weights, strict=True) if w > 1e-3}),
        displacement,
        detail,
        state.world_from_scan,
        _mean_distance_mm(head, current, state.points, still),
        _mean_distance_mm(head, current + detail, state.points, face),
        float(np.percentile(1e3 * np.linalg.norm(displacement[face], axis=1), 98)),
    )
    _check(fit, neutral, state.points)
    return fit


@dataclass(frozen=True, eq=False)
class _State:
    points: ScanPoints
    world_from_scan: F64
    weights: F64


def _step(state: _State, measured: Measured, current: F64, basis: F64, middle: F64, *, free: bool) -> _State:
    """One Gauss-Newton step of the head's place and, where `free`, of the weights, within their box."""
    along = measured.targets
    distance = np.linalg.norm(along, axis=1)
    used = (measured.weights > 0) & (distance > 1e-9)
    if used.sum() < FEWEST_POINTS:
        raise InputError(
            "The expression scan does not lie on the person's head. Is it a scan "
            "of this person, upright, facing "
            "+Z, in metres?"
        )
    normal = along[used] / distance[used, None]
    corners, shares = measured.corners[used], measured.shares[used]
    arm = np.einsum("nk,nkc->nc", shares, current[corners]) + along[used] - middle
    # Moving the scan by a turn and a shift closes the gap as well.
    rows = np.concatenate([np.cross(arm, normal), normal], axis=1)
    rows *= -1e3
    if free:
        lifted = np.zeros((len(normal), basis.shape[2]))
        for k in range(3):
            place = basis[corners[:, k]]
            lifted += shares[:, k, None] * np.einsum("nc,ncs->ns", normal, place)
        rows = np.concatenate([rows, 1e3 * lifted], axis=1)
    share = measured.weights[used] / measured.weights[used].sum()
    hessian = rows.T @ (share[:, None] * rows)
    gradient = rows.T @ (share * 1e3 * distance[used])
    hessian[np.arange(3), np.arange(3)] += 1e-3  # a head is no sphere, but nearly
    old = state.weights if free else np.zeros(0)
    price = LASSO_MM2 + LASSO_NOISE * (1e3 * state.points.noise_m) ** 2
    solution = _boxed(hessian, gradient, old, price)
    turn = rotvec_to_matrix(solution[:3])
    moved = np.eye(4)
    moved[:3, :3], moved[:3, 3] = turn, middle - turn @ middle + solution[3:6]
    weights = np.clip(old + LONG_STEP * solution[6:], 0, 1) if free else state.weights
    return _State(_transformed(state.points, moved), moved @ state.world_from_scan, weights)


def _boxed(hessian: F64, gradient: F64, weights: F64, lasso: float) -> F64:
    """Least squares with the weights in 0..1 and paid for: coordinate descent (Friedman et al. 2010)."""
    count = len(gradient)
    low, high = np.full(count, -np.inf), np.full(count, np.inf)
    low[6:], high[6:] = -weights, 1 - weights
    price = np.zeros(count)
    price[6:] = 0.5 * lasso + RIDGE_MM2 * weights
    hessian = hessian + np.diag(np.where(np.arange(count) >= 6, RIDGE_MM2, 0.0) + 1e-9)
    x = np.zeros(count)
    rigid = slice(0, 6)
    for _ in range(150):
        before = x.copy()
        x[rigid] += np.linalg.solve(hessian[rigid, rigid], (gradient - hessian @ x)[rigid])
        for k in range(6, count):
            pull = gradient[k] - price[k] - hessian[k] @ x
            x[k] = np.clip(x[k] + pull / hessian[k, k], low[k], high[k])
        if np.abs(x - before).max() < 1e-6:
            break
    return x


def _aligned(model: BodyModel, neutral: BodyFit, scan: ScanMesh) -> tuple[ScanPoints, F64]:
    """Points of the scan's head laid on the neutral head, and the rigid transform that did it."""
    head = neutral.surface.vertices[model.region("head") & ~model.inner]
    start = _from_landmarks(model, neutral, scan)
    if start is None:
        start = np.eye(4)
        top = scan.mesh.vertices[scan.mesh.vertices[:, 1].argmax()]
        start[:3, 3] = head[head[:, 1].argmax()] - top
    moved = scan.mesh.vertices @ start[:3, :3].T + start[:3, 3]
    low, high = head.min(axis=0) - MARGIN_M, head.max(axis=0) + MARGIN_M
    inside = ((moved >= low) & (moved <= high)).all(axis=1)
    if inside.sum() < FEWEST_POINTS:
        raise InputError(
            f"The expression scan has {int(inside.sum())} points around the head; "
            f"at least {FEWEST_POINTS} are "
            "needed. Give a scan of the head, or of the whole person, that is finer."
        )
    return draw_scan_points(_cropped(scan, moved, inside), POINTS, 0), start


def _from_landmarks(model: BodyModel, neutral: BodyFit, scan: ScanMesh) -> F64 | None:
    """(4, 4) rigid transform by the detector's points of the face, or None without enough of them."""
    if scan.landmarks is None or not len(scan.landmarks.names):
        return None
    table = detector_points(model)
    pairs = [
        (k, row)
        for k, row in zip(*usable(scan.landmarks, table), strict=True)
        if scan.landmarks.names[k].startswith("face_")
    ]
    if len(pairs) < 12:
        return None
    used, rows = (list(column) for column in zip(*pairs, strict=True))
    own = table.positions(neutral.surface.vertices, neutral.skeleton.positions)[rows]
    seen = scan.landmarks.positions[used]
    weight = scan.landmarks.confidence[used].astype(np.float64)
    weight /= (table.sigma_m[rows].reshape(len(rows), -1) ** 2).mean(axis=1)
    weight = (weight / weight.sum())[:, None]
    a, b = (weight * seen).sum(axis=0), (weight * own).sum(axis=0)
    u, _, vt = np.linalg.svd(((seen - a) * weight).T @ (own - b))
    turn = (u @ np.diag([1.0, 1.0, np.linalg.det(u @ vt)]) @ vt).T
    out = np.eye(4)
    out[:3, :3], out[:3, 3] = turn, b - turn @ a
    return out


def _cropped(scan: ScanMesh, moved: F64, inside: Bool) -> ScanMesh:
    """The part of a scan `inside` (V,), its vertices taken from `moved` (V, 3)."""
    mesh = scan.mesh
    if mesh.is_cloud:
        normals = mesh.normals
        part = Mesh(moved[inside], mesh.faces, normals=None if normals is None else normals[inside])
        return replace(
            scan, mesh=part, confidence=scan.confidence[inside], texture=None, landmarks=None, photos=()
        )
    used, faces = used_vertices(mesh.faces[inside[mesh.faces].all(axis=1)], len(moved))
    return replace(
        scan, mesh=Mesh(moved[used], faces), confidence=scan.confidence[used], texture=None, landmarks=None,
        photos=(),
    )  # fmt: skip


def _transformed(points: ScanPoints, moved: F64) -> ScanPoints:
    turn = moved[:3, :3]
    return replace(points, points=points.points @ turn.T + moved[:3, 3], normals=points.normals @ turn.T)


def _turned_shapes(model: BodyModel, neutral: BodyFit) -> dict[str, F64]:
    """The model's shapes in the captured pose, without an eye for this face's proportions."""
    world = model.pose(neutral.params).world_from_rest
    turn = (model.skin_weights @ world[:, :, :3].reshape(-1, 9)).reshape(-1, 3, 3)
    out = {}
    for name, ids in model.expression_ids.items():
        dense = np.zeros((model.num_vertices, 3))
        dense[ids] = np.einsum("kij,kj->ki", turn[ids], model.expression_deltas[name].astype(np.float64))
        out[name] = dense
    return out


def _head_faces(model: BodyModel) -> np.ndarray:
    """Faces of the head that are not stretched when the neck turns."""
    joints = model.descendants[:, model.joint_index("head")].astype(np.float64)
    near = model.region("head") & (model.skin_weights @ joints > WITH_HEAD)
    return model.faces[near[model.faces].all(axis=1)]


def _largest_move(model: BodyModel) -> F64:
    """(V,) metres: how far any shape moves each vertex of the mean head."""
    out = np.zeros(model.num_vertices)
    for name, ids in model.expression_ids.items():
        np.maximum.at(out, ids, np.linalg.norm(model.expression_deltas[name], axis=1))
    return out


def _moving(model: BodyModel) -> Bool:
    return (_largest_move(model) > 0.003) & model.region("head") & ~model.inner


def _still(model: BodyModel, neutral: BodyFit) -> Bool:
    """(V,) skin of the head that no shape moves much, seen in the neutral scan and not under hair."""
    shown = (neutral.coverage > 0.3) & (neutral.clothing < 0.5)
    return (_largest_move(model) < 0.0015) & model.region("head") & ~model.inner & shown


def _mean_distance_mm(head: BodyModel, current: F64, points: ScanPoints, part: Bool) -> float:
    """Mean distance of scan points to the surface where `part` (V,) of it lies under them."""
    measured = measure(head, current, np.zeros_like(current), points, 0.02)
    over = part[measured.corners].any(axis=1) & (measured.weights > 0)
    if not over.any():
        return 0.0
    return float(1e3 * np.linalg.norm(measured.targets[over], axis=1).mean())


def _check(fit: ExpressionFit, neutral: BodyFit, points: ScanPoints) -> None:
    """Refuse what is no expression of this person."""
    noise_mm = float(np.hypot(1e3 * points.noise_m, neutral.quality.noise_mm))
    allowed = SAME_PERSON_MM + noise_mm + neutral.quality.surface_mean_mm
    if fit.still_mm > allowed:
        raise InputError(
            f"The expression scan is not of the person who was fitted: the parts of "
            "the head that no expression "
            f"moves lie {fit.still_mm:.1f} mm apart on average, {allowed:.1f} mm is "
            "what two scans of one person "
            "differ by. Give a scan of the same person, with the same hair."
        )
    least = float(np.hypot(LEAST_MOTION_MM, noise_mm))
    if fit.motion_mm < least:
        raise InputError(
            f"The expression scan shows no expression: the face differs from the "
            f"neutral one by {fit.motion_mm:.1f} "
            f"mm (98th percentile), and {least:.1f} mm is what two scans of one "
            "face differ by. Give a scan of a "
            "clear expression."
        )
