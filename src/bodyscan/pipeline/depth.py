"""Depth capture to scan: cut out, aligned, followed through the person's motion, fused. No files.

Order. Every frame is cut to the person and turned into points. Camera poses come with the capture or are
tracked. A first surface under the assumption that nobody moved is good enough to fit the body to; the body
is then fitted to all frames at once, one shape and a pose for each instant, and the points of each frame go
with the skin to the mean pose, where they are fused again. That surface, millimetres sharper, becomes the
body's template for one more round of poses, and the last fusion follows.

The sensor's error over the distance is found with the camera poses and taken off the points there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from bodyscan.body.model import BodyModel
from bodyscan.fit import FitOptions, fit_body
from bodyscan.fit.options import LEVELS
from bodyscan.fit.sequence import (
    POSE_LEVELS,
    SURFACE_LEVELS,
    SequenceFit,
    between_keys,
    fit_sequence,
    key_frames,
)
from bodyscan.fit.sequence_detail import detailed_model
from bodyscan.fit.sequence_spread import surface_spread
from bodyscan.pipeline.depth_frames import (
    PersonFrames,
    camera_poses,
    person_frames,
    require_all_around,
    ups_in_world,
)
from bodyscan.pipeline.depth_fusion import (
    agreement_mm,
    area_m2,
    fitting_voxel_m,
    fuse_in_mean_pose,
    fuse_still,
    with_spread,
    without_strays,
)
from bodyscan.pipeline.depth_motion import MotionFound, motion_found
from bodyscan.pipeline.depth_options import DepthOptions
from bodyscan.pipeline.fitted import model_of
from bodyscan.pipeline.stages import OnStage, Stages
from bodyscan.reconstruct import ReconstructOptions, reconstruct_scan
from bodyscan.reconstruct.depth.coverage import coverage_by_part, seen_vertices
from bodyscan.reconstruct.depth.fuse import FusedSurface
from bodyscan.reconstruct.depth.range_error import RangeError
from bodyscan.reconstruct.depth.track import Trajectory
from bodyscan.types import (
    Bool,
    Capture,
    DepthCapture,
    FramePoints,
    Mesh,
    ProvenanceStep,
    ScanMesh,
)
from bodyscan.types.depth import instants

FIRST_VOXEL_M = 0.005
"""Cell of the surfaces that the body is fitted to and that are compared, where points lie closely enough."""
USUAL_SKIN_M2 = 1.8
"""What a grown person shows, before the surface has told."""
ROUGH_LIMIT_M = 0.02
"""How far the first template leaves the body's own surface."""
MOVING = tuple(f"{side}_{part}" for side in ("left", "right") for part in ("upper_arm", "lower_arm", "hand"))
"""Regions where it does not: arms move most, and are doubled in the surface that it is made of."""
RIGID_UNLESS = 0.97
"""The body is followed where its frames agree better than still ones by at least this factor."""
FIRST_FIT = FitOptions(levels=LEVELS[:3], clothing=False, detail=False)


@dataclass(frozen=True, eq=False)
class DepthReport:
    """How a depth capture became a scan."""

    frames: tuple[str, ...]
    """Names of the frames that were used."""
    trajectory: Trajectory
    """Camera poses, in the world frame of the scan."""
    poses: str
    """`given`, `given and moved`, or `tracked`."""
    motion: MotionFound
    """How the person swayed."""
    followed: bool
    """Whether the frames were brought to one pose by the body."""
    coverage: Mapping[str, float]
    """Region of the body -> share of its area, 0..1, that a camera saw."""
    sigma_mm: float
    """Median expected standard error of the surface."""
    voxel_mm: float
    """Side of the cells that it was fused on."""
    agreement_mm: Mapping[str, float]
    """`rigid`, and `body` where it was tried (of a single instant it is not): mean distance of single points
    to a coarse surface."""
    front_id: int
    """Which of the capture's frames sees the person most from the front."""
    front: FramePoints
    """Its pixels that were used."""
    body: Mesh
    """The body that was fitted to the frames, in the pose of the scan."""
    seen: Bool
    """(V,) whether a camera saw each of its vertices."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class DepthScan:
    """A scan out of depth frames."""

    capture: Capture
    """The fused surface as a raw scan in metres: +Y up, the person faces +Z, soles near Y = 0."""
    report: DepthReport
    stages: tuple[ProvenanceStep, ...]


def depth_to_scan(
    capture: DepthCapture,
    options: DepthOptions | None = None,
    *,
    reconstruct: ReconstructOptions | None = None,
    on_stage: OnStage | None = None,
) -> DepthScan:
    """Reconstruct one person from depth frames. The person's consent is the caller's to check.

    Raises `InputError` for frames that cannot be used (named), or that show nobody or several people;
    `StageError` where tracking is lost, the loop does not close, or nothing could be fused.
    """
    options = options or DepthOptions()
    stages = Stages(on_stage)
    with stages.run("frames", options.segment) as remarks:
        person = person_frames(capture, options)
        count = sum(len(frame.points) for frame in person.frames)
        remarks.append(f"{len(person.frames)} frames, {count:,} points of the person")
    with stages.run("poses", options.track) as remarks:
        person, trajectory, how = camera_poses(person, options)
        measured, person = person, person.corrected(trajectory.range_error)
        remarks += _pose_remarks(person, trajectory, how)
    if not options.accept_open:
        require_all_around(person, trajectory)
    with stages.run("first fit") as remarks:
        still, trajectory, first = _first_fit(person, trajectory, reconstruct, options)
        remarks.append(f"{len(still.mesh.faces):,} faces at {1000 * _first_voxel_m(person):.0f} mm")
    keys = key_frames(person.frames, options.sequence.key_instants)
    key = [person.frames[k] for k in keys]
    agreement = {"rigid": agreement_mm(still.mesh, key, trajectory.world_from_camera[keys])}
    body, ups = first, ups_in_world(person, trajectory, how)
    found = motion_found(first.model, first.sequence, ups)
    if options.motion != "rigid" and len(instants(person.frames)) > 1:
        with stages.run("motion", options.sequence) as remarks:
            body, agreement["body"] = _followed(measured, trajectory, first, keys, options)
            found = motion_found(body.model, body.sequence, ups)
            remarks.append(found.words)
    gained = agreement.get("body", np.inf) < RIGID_UNLESS * agreement["rigid"]
    followed = "body" in agreement and (gained or options.motion == "body")
    with stages.run("fusion", options.fuse) as remarks:
        voxel_m = (
            options.voxel_mm / 1000
            if options.voxel_mm
            else fitting_voxel_m(person.frames, area_m2(still.mesh))
        )
        shown = body if followed else first
        person, trajectory = shown.person, replace(trajectory, range_error=shown.range_error)
        vertices = shown.model.pose(shown.sequence.mean).vertices
        fused = _fused(shown, trajectory, followed, voxel_m, options)
        fused = without_strays(fused, shown.model.mesh(vertices))
        if followed:
            key, poses = [person.frames[k] for k in keys], trajectory.world_from_camera[keys]
            params = [body.sequence.params[k] for k in keys]
            spread = surface_spread(key, poses, body.model, params, options.sequence)
            fused = with_spread(fused, spread)
        remarks.append(f"{len(fused.mesh.faces):,} faces at {1000 * voxel_m:.1f} mm")
        if "body" in agreement and not followed:
            remarks.append("the frames agree as well when nobody moved")
    seen = seen_vertices(shown.model, vertices, fused.mesh)
    front = _front(trajectory)
    report = DepthReport(
        frames=tuple(frame.name for frame in person.frames),
        trajectory=trajectory,
        poses=how,
        motion=found,
        followed=followed,
        coverage=coverage_by_part(shown.model, vertices, seen),
        sigma_mm=float(np.median(fused.sigma_m)) * 1000,
        voxel_mm=1000 * voxel_m,
        agreement_mm=agreement,
        front_id=person.ids[front],
        front=person.frames[front],
        body=shown.model.mesh(vertices),
        seen=seen,
        notes=person.notes,
    )
    raw = Capture(
        mesh=fused.mesh,
        unit="m",
        up="+y",
        facing="+z",
        sha256=capture.sha256,
        source=capture.source,
        file_format=capture.file_format,
        notes=(*capture.notes, *person.notes),
        confidence=fused.confidence,
    )
    return DepthScan(raw, report, tuple(stages.steps))


@dataclass(frozen=True, eq=False)
class _Body:
    """A body through the capture."""

    model: BodyModel
    sequence: SequenceFit
    scan: ScanMesh
    person: PersonFrames
    """The frames, the range error taken off."""
    range_error: RangeError | None


def _front(trajectory: Trajectory) -> int:
    """The frame whose camera stands most before the person, who faces +Z."""
    beside = trajectory.world_from_camera[:, :3, 3]
    return int(np.argmax(beside[:, 2] / np.maximum(np.hypot(beside[:, 0], beside[:, 2]), 1e-9)))


def _first_voxel_m(person: PersonFrames) -> float:
    return max(FIRST_VOXEL_M, fitting_voxel_m(person.frames, USUAL_SKIN_M2))


def _pose_remarks(person: PersonFrames, trajectory: Trajectory, how: str) -> list[str]:
    cameras = len({frame.camera for frame in person.frames})
    error = trajectory.range_error
    told = [f"range error up to {1000 * error.greatest_m:.1f} mm"] if error is not None else []
    if cameras > 1:
        return [f"{how}, {cameras} cameras", *told, *trajectory.notes]
    closed = f", the loop closes within {trajectory.loop_rms_mm:.1f} mm" if trajectory.closed else ""
    return [f"{how}, {trajectory.total_turn_deg:.0f} degrees around{closed}", *told, *trajectory.notes]


def _first_fit(
    person: PersonFrames,
    trajectory: Trajectory,
    reconstruct: ReconstructOptions | None,
    options: DepthOptions,
) -> tuple[FusedSurface, Trajectory, _Body]:
    """The surface of somebody who stands still, the cameras in the world frame, the body fitted to it."""
    still = fuse_still(person.frames, trajectory.world_from_camera, _first_voxel_m(person), options.fuse)
    raw = Capture(mesh=still.mesh, unit="m", up="+y", confidence=still.confidence)
    scan = reconstruct_scan(raw, reconstruct)
    fit = fit_body(scan, FIRST_FIT)
    world = scan.world_from_input
    placed = still.mesh.vertices @ world[:3, :3].T + world[:3, 3]
    still = replace(still, mesh=replace(still.mesh, vertices=placed))
    trajectory = replace(trajectory, world_from_camera=world @ trajectory.world_from_camera)
    standing = SequenceFit((fit.params,) * len(person.frames), fit.params, np.nan)
    return still, trajectory, _Body(model_of(fit), standing, scan, person, trajectory.range_error)


def _followed(
    measured: PersonFrames, trajectory: Trajectory, first: _Body, keys: list[int], options: DepthOptions
) -> tuple[_Body, float]:
    """The body through the capture, the person's own surface for its template, and how the frames agree.

    `measured`: the frames with the sensor's range error in them. Sway hides it from the tracking, which sees
    frames that do not agree for two reasons; it is found anew with the motion, of the frames `keys` at first.
    """
    poses = trajectory.world_from_camera
    key, key_poses = [first.person.frames[k] for k in keys], poses[keys]
    smooth = fit_sequence(key, key_poses, first.model, first.sequence.mean, options.sequence)
    rough = detailed_model(first.model, smooth.mean, first.scan, ROUGH_LIMIT_M, MOVING)
    coarse = fit_sequence(
        [measured.frames[k] for k in keys], key_poses, rough, smooth.params, options.sequence,
        SURFACE_LEVELS, trajectory.range_error,
    )  # fmt: skip
    error = coarse.curve if isinstance(coarse.curve, RangeError) else None
    person = measured.corrected(error)
    key = [person.frames[k] for k in keys]
    voxel_m = _first_voxel_m(person)
    between = fuse_in_mean_pose(key, key_poses, coarse, rough, voxel_m, options.fuse)
    agreement = agreement_mm(between.mesh, key, key_poses, coarse, rough)
    template = detailed_model(first.model, coarse.mean, ScanMesh(between.mesh, between.confidence))
    start = between_keys(keys, coarse.params, len(person.frames))
    fine = fit_sequence(person.frames, poses, template, start, options.sequence, POSE_LEVELS)
    return _Body(template, fine, first.scan, person, error), agreement


def _fused(
    body: _Body, trajectory: Trajectory, followed: bool, voxel_m: float, options: DepthOptions
) -> FusedSurface:
    frames, poses = body.person.frames, trajectory.world_from_camera
    if not followed:
        return fuse_still(frames, poses, voxel_m, options.fuse)
    return fuse_in_mean_pose(frames, poses, body.sequence, body.model, voxel_m, options.fuse)


__all__ = ["DepthOptions", "DepthReport", "DepthScan", "depth_to_scan"]
