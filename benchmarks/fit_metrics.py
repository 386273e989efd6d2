"""What is wrong with one fit: distances in millimetres, in the truth's frame, and what it cost."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
from fit_cases import Case
from fit_watch import Stopwatch

from bodyscan.body.asset import load_body_model
from bodyscan.body.measurements import measure_surface, standing_vertices, unposed_offsets
from bodyscan.body.measurements_girths import bust_level, hip_level, waist_level
from bodyscan.body.measurements_standing import Standing
from bodyscan.body.model import BodyModel
from bodyscan.errors import BodyscanError
from bodyscan.fit import fit_body
from bodyscan.geometry.normals import vertex_areas
from bodyscan.geometry.raycast import Raycaster
from bodyscan.pipeline import model_of
from bodyscan.reconstruct import reconstruct_scan
from bodyscan.simulate.people import reference_template
from bodyscan.types import F64, BodyFit, BodyParams, Bool, Capture, Mesh, ScanMesh

Row = dict[str, object]
GIRTHS = {"bust": "bust_girth", "waist": "waist_girth", "hips": "hip_girth"}
STATURE = "stature"
FAILED_MM = 50.0
LEVEL_M, JUMP_M = 0.006, 0.030
"""A girth that changes by more than `JUMP_M` where the tape moves by `LEVEL_M` has no one value."""
FACE_M = {"below": 0.11, "above": 0.05, "behind": 0.06}
"""How far the face reaches from the eyes on the adult's mean head."""
FINGERS = ("Thumb", "Index", "Middle", "Ring", "Little")


@dataclass(frozen=True, eq=False)
class Result:
    """A case that went through both stages."""

    scan: ScanMesh
    fit: BodyFit
    truth_from_scan: F64
    """(4, 4) from the fit's world frame to the truth's."""

    def in_truth(self, points: F64) -> F64:
        """(N, 3) -> (N, 3)."""
        return points @ self.truth_from_scan[:3, :3].T + self.truth_from_scan[:3, 3]


def measure_case(case: Case) -> tuple[Row, Result | None]:
    """The row of one case, and the result unless it failed on the way."""
    plan, watch = case.plan, Stopwatch()
    row: Row = {
        "number": plan.number, "case": case.person.name, "age": case.person.age,
        "condition": plan.condition, "pose": plan.pose, "hands": plan.hands, "hair": plan.hair,
        "clothing": plan.clothing, "faces": len(case.scan.faces),
    }  # fmt: skip
    capture = Capture(case.scan, source="simulated")
    try:
        scan = watch.run("reconstruct", lambda: reconstruct_scan(capture))
        fit = watch.run("fit", lambda: fit_body(scan))
    except (BodyscanError, ArithmeticError, ValueError, IndexError, np.linalg.LinAlgError) as error:
        print(f"  {case.person.name}, {plan.condition}, {plan.pose}: {error}", file=sys.stderr)
        return row | costs(watch) | {"failed": 1, "acceptable": 0}, None
    row |= costs(watch)
    result = Result(scan, fit, case.world_from_file @ np.linalg.inv(scan.world_from_input))
    row |= distances(case, result.in_truth(fit.surface.vertices))
    row |= joint_errors(case, result.in_truth(fit.skeleton.positions))
    row |= skin_errors(case, result.in_truth(fit.skin.vertices))
    row |= tape_errors(case, fit)
    guess = fit.notes[0].removeprefix("first guess: ") if fit.notes else ""
    row |= {"acceptable": int(fit.quality.acceptable), "first_guess": guess}
    row["expected_mm"] = float(fit.quality.expected_error_mm)
    return row, result


def costs(watch: Stopwatch) -> Row:
    cpu = sum(value for name, value in watch.seconds.items() if name.endswith("_cpu_s"))
    wall = sum(watch.seconds.values()) - cpu
    return {**watch.seconds, "total_s": wall, "total_cpu_s": cpu, "peak_mb": watch.peak_mb()}


def outer_faces(model: BodyModel) -> np.ndarray:
    """(F, 3) faces without a corner that no scanner sees."""
    return model.faces[(~model.inner)[model.faces].all(axis=1)]


def distances(case: Case, surface: F64) -> Row:
    """Of the true visible surface to a fitted one: `surface` (V, 3) metres in the truth's frame."""
    model, truth = case.person.model, case.truth
    gap = 1e3 * Raycaster(Mesh(surface, outer_faces(model))).closest(truth.points)[0]
    apart = 1e3 * np.linalg.norm(surface - truth.outer, axis=1)
    found: Row = {
        "surface_mm": gap.mean(),
        "surface_p95_mm": np.percentile(gap, 95),
        "vertex_mm": np.average(apart, weights=vertex_areas(truth.outer, outer_faces(model))),
    }
    for name, chosen in (
        ("surface_seen_mm", truth.seen),
        ("face_mm", truth.seen & face_points(case)),
        ("hands_mm", hand_points(case)),
    ):
        if chosen.any():
            found[name] = gap[chosen].mean()
    return found


def face_points(case: Case) -> Bool:
    """(N,) True for points of the face that no hair covers."""
    model, truth = case.person.model, case.truth
    template = reference_template(model)
    eye = model.joint_index("leftEye")
    up, ahead = (template - load_body_model("adult").joint_template[eye])[:, 1:].T
    face = model.region("head", "left_eye", "right_eye") & (truth.cover != 2)
    face &= (up > -FACE_M["below"]) & (up < FACE_M["above"]) & (ahead > -FACE_M["behind"])
    return _on(case, face)


def hand_points(case: Case) -> Bool:
    return _on(case, case.person.model.region("left_hand", "right_hand"))


def _on(case: Case, vertices: Bool) -> Bool:
    """(V,) -> (N,): the points on faces with all corners marked."""
    marked = vertices[case.person.model.faces].all(axis=1)
    row = case.truth.body_face
    return (row >= 0) & marked[np.maximum(row, 0)]


def joint_errors(case: Case, joints: F64) -> Row:
    """`joints` (J, 3) metres in the truth's frame."""
    apart = 1e3 * np.linalg.norm(joints - case.truth.joints, axis=1)
    names = case.person.model.joint_names
    body = np.array([not any(finger in name for finger in FINGERS) for name in names])
    mean = float(apart.mean())
    return {
        "joints_mm": mean,
        "body_joints_mm": apart[body].mean(),
        "worst_joint": names[int(apart.argmax())],
        "failed": int(not mean <= FAILED_MM),
    }


def skin_errors(case: Case, skin: F64) -> Row:
    """Of the true skin to the estimated body: where cloth or hair lies on it, and everywhere."""
    model, truth = case.person.model, case.truth
    gap = 1e3 * Raycaster(Mesh(skin, outer_faces(model))).closest(truth.skin_points)[0]
    covered = (truth.cover > 0)[model.faces[truth.skin_face]].all(axis=1)
    return {"skin_all_mm": gap.mean(), "skin_mm": gap[covered].mean() if covered.any() else gap.mean()}


def tape_errors(case: Case, fit: BodyFit) -> Row:
    """Fitted minus true: girths of the visible surface, and of the skin under it; stature.

    The mean leaves out girths that the truth itself does not have: see `unsteady_girths`.
    """
    model, truth = case.person.model, case.truth
    true_params = BodyParams(np.zeros(0), truth.pose_rotvec, truth.translation)
    found: Row = {}
    for prefix, fitted, true in (
        ("", fit.surface.vertices, truth.flat_outer),
        ("skin_", fit.skin.vertices, truth.flat_skin),
    ):
        got = named(measure_surface(model_of(fit), fit.params, fitted))
        want = named(measure_surface(model, true_params, true))
        unsteady = unsteady_girths(model, true_params, true)
        sizes = []
        for short, name in GIRTHS.items():
            error = 10 * (got[name] - want[name])
            found[f"{prefix}{short}_mm"] = error
            if short not in unsteady:
                sizes.append(abs(error))
        if sizes:
            found[f"{prefix}girth_mm"] = float(np.mean(sizes))
        found[f"{prefix}unsteady"] = " ".join(unsteady)
        found[f"{prefix}stature_mm"] = 10 * (got[STATURE] - want[STATURE])
    return found


def unsteady_girths(model: BodyModel, params: BodyParams, surface: F64) -> list[str]:
    """Girths that jump where the tape is held a little higher or lower, as at the edge of hanging breasts.

    `surface` (V, 3): the truth. Nobody could measure such a girth to a few millimetres.
    """
    offsets = unposed_offsets(model, params, surface)
    body = Standing(model, *standing_vertices(model, params.betas, offsets))
    found = []
    for short, level in zip(GIRTHS, (bust_level(body), waist_level(body), hip_level(body)), strict=True):
        around = [body.trunk_girth(level + step) for step in (-LEVEL_M, 0.0, LEVEL_M)]
        if np.ptp(around) > JUMP_M:
            found.append(short)
    return found


def named(measurements) -> dict[str, float]:
    """Name -> centimetres."""
    return {m.name: m.value_cm for m in measurements}
