"""The steps of the depth benchmark. Each runs in a process of its own and hands files to the next.

So the peak of memory is that of one reconstruction with nothing else in it, nothing leaks from case to case,
and a library that aborts its process costs one row.
"""

from __future__ import annotations

import importlib
import io
import time
import traceback
from pathlib import Path
from typing import Any

import numpy as np
from depth_cases import Shot, Task, read_shot, write_shot
from depth_limbs import limb_errors
from depth_peer_open3d import PEERS, masked_frames
from depth_truth import SurfaceErrors, posed_params, rigidly_aligned, surface_errors
from fit_metrics import GIRTHS, named, unsteady_girths
from fit_truth import flat_vertices
from fit_watch import Stopwatch

from bodyscan.body.measurements import measure_surface
from bodyscan.errors import BodyscanError, StageError
from bodyscan.files import write_atomic
from bodyscan.fit import fit_body
from bodyscan.geometry.raycast import Raycaster
from bodyscan.pipeline import model_of
from bodyscan.pipeline.depth import DepthOptions, depth_to_scan
from bodyscan.pipeline.stages import StageEvent
from bodyscan.reconstruct import reconstruct_scan
from bodyscan.reconstruct.depth.track import TrackOptions
from bodyscan.simulate.depth import DepthTruth
from bodyscan.simulate.surface import fine_topology, round_positions
from bodyscan.types import F64, Capture, Mesh

Row = dict[str, Any]
HEAVY = ("open3d", "mediapipe", "scipy.stats", "scipy.sparse.linalg", "scipy.ndimage", "scipy.optimize")
"""Imported before any clock runs."""
LIMB_GIRTHS = (
    "upper_arm_girth",
    "forearm_girth",
    "wrist_girth",
    "mid_thigh_girth",
    "knee_girth",
    "calf_girth",
)
ACCIDENTS = (BodyscanError, ArithmeticError, ValueError, IndexError, RuntimeError, np.linalg.LinAlgError)


def make_frames(shot: Shot, folder: Path, compressed: bool) -> None:
    """Step 1: the frames of `shot`, unless they are there."""
    write_shot(shot, folder, compressed)


def reconstruct(task: Task, folder: Path, result: Path, girths: bool) -> Row:
    """Step 2: what comes of the frames, into `result` (.npz); returns costs and what was said about it."""
    for name in HEAVY:
        importlib.import_module(name)
    row: Row = {"failed": 0, "refused": 0}
    try:
        if task.method == "bodyscan":
            return row | _ours(task, folder, result, girths)
        return row | _peer(task, folder, result)
    except ACCIDENTS as error:
        refused = isinstance(error, StageError)
        return row | {"failed": 1, "refused": int(refused), "said": f"{type(error).__name__}: {error}"}


def _ours(task: Task, folder: Path, result: Path, girths: bool) -> Row:
    capture, watch, row = read_shot(task, folder), Stopwatch(), {}

    def done(event: StageEvent) -> None:
        if event.state == "done":
            row[f"{event.stage.replace(' ', '_')}_s"] = event.seconds

    track = TrackOptions(range_error=task.range_error)
    options = DepthOptions(poses=task.poses, motion=task.motion, track=track)
    scan = watch.run("total", lambda: depth_to_scan(capture, options, on_stage=done))
    report, mesh, error = scan.report, scan.capture.mesh, scan.report.trajectory.range_error
    row |= {
        **watch.seconds, "peak_mb": watch.peak_mb(), "faces": len(mesh.faces),
        "used": len(report.frames), "closed": int(report.trajectory.closed),
        "all_around": int(report.trajectory.is_all_around), "turn_deg": report.trajectory.total_turn_deg,
        "loop_rms_mm": report.trajectory.loop_rms_mm, "followed": int(report.followed),
        "range_error_mm": 1000 * error.greatest_m if error else 0.0,
        "sway_found_mm": report.motion.sway_mm, "expected_mm": report.sigma_mm,
        **{f"agree_{name}_mm": value for name, value in report.agreement_mm.items()},
    }  # fmt: skip
    ids = [int(name.rsplit("_", 1)[-1]) for name in report.frames]
    _save(result, mesh, report.trajectory.world_from_camera, ids)
    if girths:
        row |= _fitted(scan.capture)
    return row


def _fitted(capture: Capture) -> Row:
    """Tapes of the body that is fitted to the scan, centimetres, and what the fit took."""
    start = time.perf_counter()
    try:
        fit = fit_body(reconstruct_scan(capture))
    except ACCIDENTS as error:
        return {"fit_failed": 1, "said": f"fit: {error}"}
    seconds = time.perf_counter() - start
    tapes = named(measure_surface(model_of(fit), fit.params, fit.surface.vertices))
    return {"fit_failed": 0, "fit_s": seconds, "acceptable": int(fit.quality.acceptable), "tapes_cm": tapes}


def _peer(task: Task, folder: Path, result: Path) -> Row:
    capture = read_shot(task, folder)
    start = time.perf_counter()
    frames = masked_frames(capture)
    row: Row = {"frames_s": time.perf_counter() - start}
    watch = Stopwatch()
    made = watch.run("total", lambda: PEERS[task.method].work(frames))
    row |= {**watch.seconds, "peak_mb": watch.peak_mb(), "faces": len(made.mesh.faces), "said": made.said}
    _save(result, made.mesh, made.world_from_camera, [int(f.name.rsplit("_", 1)[-1]) for f in frames])
    return row | {"used": len(frames)}


def measure(shot: Shot, tasks: list[Task], rows: list[Row], folder: Path) -> list[Row]:
    """Step 3: the errors of all results of one shot, which lie in `folder` under the tasks' names.

    Beside each result a file `<name>_seen.npz` is left: the mesh in the truth's frame, its vertices' signed
    distances (mm), and the joints of the true body in that pose, for pictures.
    """
    truth = shot.truth()
    tapes = _true_tapes(truth)
    out = []
    for task, row in zip(tasks, rows, strict=True):
        try:
            out.append(row | _measured(task, row, truth, tapes, folder))
        except ACCIDENTS as error:
            traceback.print_exc()
            out.append(row | {"failed": 1, "said": f"cannot be measured: {type(error).__name__}: {error}"})
    return out


def _measured(task: Task, row: Row, truth: DepthTruth, tapes: Row, folder: Path) -> Row:
    path = folder / f"{task.name}.npz"
    if task.shuffled or not path.exists():
        return {}
    with np.load(path, allow_pickle=False) as data:
        mesh = Mesh(data["vertices"], data["faces"], colors=data.get("colors"))
        poses, ids = data["poses"], data["ids"]
    found, truth_from_mesh = trajectory_error(poses, truth.world_from_camera[ids], truth.person.outline)
    if not np.isfinite(truth_from_mesh).all() or not len(mesh.faces):
        return found | {"failed": 1}
    near = Mesh(_moved(truth_from_mesh, mesh.vertices), mesh.faces, colors=mesh.colors)
    still, params = truth.surface(), truth.reference
    aligned = rigidly_aligned(near, still)
    if truth.motion.is_still:
        true_surface = still
    else:
        found |= _named(surface_errors(aligned, still), "still_")
        params = posed_params(aligned, truth)
        true_surface = truth.person.mesh(truth.person.surface(params))
    found |= _named(surface_errors(aligned, true_surface), "")
    limbs = limb_errors(aligned, true_surface, truth.person.model, params)
    found |= {
        "doubled_limbs": len(limbs.doubled), "doubled": " ".join(limbs.doubled),
        "doubled_rays": limbs.doubled_rays, "open_rays": limbs.open_rays, "thickness_mm": limbs.thickness_mm,
        "thickness_bias_mm": limbs.thickness_bias_mm, "thickest_mm": limbs.thickest_mm,
    }  # fmt: skip
    if "tapes_cm" in row:
        found |= _tape_errors(row["tapes_cm"], tapes)
    _keep_picture(folder / f"{task.name}_seen.npz", aligned, true_surface, truth, params)
    return found


def trajectory_error(found: F64, true: F64, person: F64) -> tuple[Row, F64]:
    """How far poses (N, 4, 4) carry the person's points (M, 3) from where they stand.

    Every point is seen by each true camera and put back by the found one; one rigid motion of the found
    world (Kabsch) is free. Millimetres at the person, so that an error of the angle counts by what it does.
    Returns the row and (4, 4) `true_from_found`.
    """
    points = person[:: max(len(person) // 60, 1)]
    put = np.concatenate([_moved(a @ np.linalg.inv(b), points) for a, b in zip(found, true, strict=True)])
    goal = np.tile(points, (len(found), 1))
    middle, there = put.mean(axis=0), goal.mean(axis=0)
    u, _, vt = np.linalg.svd((put - middle).T @ (goal - there))
    rotation = vt.T @ np.diag([1.0, 1.0, np.sign(np.linalg.det(vt.T @ u.T))]) @ u.T
    transform = np.eye(4)
    transform[:3, :3], transform[:3, 3] = rotation, there - rotation @ middle
    gap = np.linalg.norm(_moved(transform, put) - goal, axis=1) * 1000
    worst = gap.reshape(len(found), -1).mean(axis=1).max()
    return {"poses_mm": float(np.sqrt((gap**2).mean())), "worst_pose_mm": float(worst)}, transform


def _true_tapes(truth: DepthTruth) -> Row:
    """Tapes of the true visible surface, centimetres, and which of them nobody could take."""
    model, topology, outer = truth.person.model, fine_topology(truth.person.model), truth.outer()
    flat = flat_vertices(model, topology, round_positions(topology, outer), outer)
    return {
        "tapes": named(measure_surface(model, truth.reference, flat)),
        "unsteady": unsteady_girths(model, truth.reference, flat),
    }


def _tape_errors(got: dict[str, float], true: Row) -> Row:
    """Fitted minus true, millimetres: bust, waist and hips, stature, and the mean of limbs' girths."""
    want = true["tapes"]
    found: Row = {f"{short}_mm": 10 * (got[name] - want[name]) for short, name in GIRTHS.items()}
    steady = [abs(found[f"{short}_mm"]) for short in GIRTHS if short not in true["unsteady"]]
    limbs = [abs(10 * (got[name] - want[name])) for name in want if name.removesuffix("_left") in LIMB_GIRTHS]
    return found | {
        "girth_mm": float(np.mean(steady)) if steady else float("nan"),
        "limb_girth_mm": float(np.mean(limbs)) if limbs else float("nan"),
        "stature_mm": 10 * (got["stature"] - want["stature"]),
        "unsteady": " ".join(true["unsteady"]),
    }


def _keep_picture(path: Path, mesh: Mesh, true_surface: Mesh, truth: DepthTruth, params: Any) -> None:
    distance, face, nearest = Raycaster(true_surface).closest(mesh.vertices)
    corners = true_surface.vertices[true_surface.faces[face]]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    side = np.sign(np.einsum("nk,nk->n", mesh.vertices - nearest, normal))
    model = truth.person.model
    body = truth.person.skin(params)
    parts = {
        name: body[model.region(*regions)].astype(np.float32)
        for name, regions in (("head", ("head",)), ("left_hand", ("left_hand",)),
                              ("right_hand", ("right_hand",)), ("feet", ("left_foot", "right_foot")))
    }  # fmt: skip
    colors = {} if mesh.colors is None else {"colors": mesh.colors}
    _savez(path, vertices=mesh.vertices.astype(np.float32), faces=mesh.faces,
           off_mm=(1000 * distance * side).astype(np.float32), **parts, **colors)  # fmt: skip


def _save(path: Path, mesh: Mesh, poses: F64, ids: list[int]) -> None:
    colors = {} if mesh.colors is None else {"colors": mesh.colors}
    _savez(path, vertices=mesh.vertices.astype(np.float32), faces=mesh.faces, poses=poses,
           ids=np.array(ids), **colors)  # fmt: skip


def _savez(path: Path, **arrays: Any) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, buffer.getvalue())


def _named(errors: SurfaceErrors, prefix: str) -> Row:
    return {
        f"{prefix}mean_mm": errors.mean_mm, f"{prefix}p95_mm": errors.p95_mm,
        f"{prefix}bias_mm": errors.bias_mm, f"{prefix}missing": errors.missing,
    }  # fmt: skip


def _moved(transform: F64, points: F64) -> F64:
    return points @ transform[:3, :3].T + transform[:3, 3]
