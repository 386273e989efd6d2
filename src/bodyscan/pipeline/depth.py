"""Depth capture to scan: cut out, aligned, followed through the person's motion, fused. No files.

Order. Every frame is cut to the person and turned into points. Camera poses come with the capture or are
tracked. A first surface under the assumption that nobody moved is good enough to fit the body to; the body
is then fitted to all frames at once, one shape and a pose for each instant, and the points of each frame go
with the skin to the mean pose, where they are fused again. That surface, millimetres sharper, becomes the
body's template for one more round of poses, and the last fusion follows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from bodyscan.body.model import BodyModel
from bodyscan.capture.depth_frames import LazyFrames
from bodyscan.errors import InputError, StageError
from bodyscan.fit import FitOptions, fit_body
from bodyscan.fit.options import LEVELS
from bodyscan.fit.sequence import POSE_LEVELS, SequenceFit, fit_sequence
from bodyscan.fit.sequence_detail import detailed_model
from bodyscan.pipeline.depth_motion import MotionFound, agreement_mm, motion_found
from bodyscan.pipeline.depth_options import DepthOptions
from bodyscan.pipeline.fitted import model_of
from bodyscan.pipeline.stages import OnStage, Stages
from bodyscan.reconstruct import ReconstructOptions, reconstruct_scan
from bodyscan.reconstruct.depth.coverage import coverage_by_part, seen_vertices
from bodyscan.reconstruct.depth.fuse import FusedSurface, OrientedPoints, SurfaceFusion, oriented_points
from bodyscan.reconstruct.depth.points import frame_points
from bodyscan.reconstruct.depth.segment import segment_frames
from bodyscan.reconstruct.depth.track import Trajectory, given_trajectory, track_frames
from bodyscan.reconstruct.depth.warp import Warp
from bodyscan.reconstruct.mediapipe_detector import PersonDetector
from bodyscan.types import (
    F64,
    BodyParams,
    Capture,
    DepthCapture,
    FramePoints,
    ProvenanceStep,
    ScanMesh,
)

FIRST_VOXEL_M = 0.005
"""Cell of the surface that the body is first fitted to."""
RIGID_UNLESS = 0.97
"""The body is followed where its frames agree better than rigid ones by at least this factor."""
LEAST_POINTS = 500
"""Of the person, in a frame that counts."""
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
    agreement_mm: Mapping[str, float]
    """`rigid`, and `body` where it was tried: mean distance of single points to the fused surface."""
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
    frames, ups, steady, notes = _person_points(capture, options, stages)
    with stages.run("poses", options.track) as remarks:
        trajectory, how = _poses(frames, ups, options)
        remarks += _pose_remarks(trajectory, how)
    _require_closed(frames, trajectory, options)
    with stages.run("first fit") as remarks:
        rigid = _fused_rigid(frames, trajectory.world_from_camera, FIRST_VOXEL_M, options)
        scan, params, model = _first_fit(rigid, reconstruct)
        moved = replace(trajectory, world_from_camera=scan.world_from_input @ trajectory.world_from_camera)
        remarks.append(f"{len(scan.mesh.faces):,} faces at {1000 * FIRST_VOXEL_M:.0f} mm")
    if options.motion == "rigid":
        found, sequence, template = None, None, model
    else:
        with stages.run("motion", options.sequence) as remarks:
            sequence, template = _followed(frames, moved.world_from_camera, model, params, scan, options)
            found = motion_found(template, sequence, _ups_in_world(moved, how, ups if steady else None))
            remarks.append(found.words)
    with stages.run("fusion", options.fuse) as remarks:
        fused, agreement, followed = _fused(frames, moved.world_from_camera, sequence, template, options)
        remarks.append(f"{len(fused.mesh.faces):,} faces")
        if not followed and sequence is not None:
            remarks.append("the frames agree as well when nobody moved")
    pose = sequence.mean if sequence is not None and followed else params
    vertices = template.pose(pose).vertices
    seen = seen_vertices(template, vertices, fused.mesh)
    report = DepthReport(
        tuple(frame.name for frame in frames),
        moved,
        how,
        found or motion_found(model, SequenceFit((params,) * len(frames), params, np.nan)),
        followed,
        coverage_by_part(template, vertices, seen),
        float(np.median(fused.sigma_m)) * 1000,
        agreement,
        tuple(notes),
    )
    raw = Capture(
        mesh=fused.mesh,
        unit="m",
        up="+y",
        facing="+z",
        sha256=capture.sha256,
        source=capture.source,
        file_format=capture.file_format,
        notes=(*capture.notes, *notes),
        confidence=fused.confidence,
    )
    return DepthScan(raw, report, tuple(stages.steps))


def _person_points(
    capture: DepthCapture, options: DepthOptions, stages: Stages
) -> tuple[list[FramePoints], F64 | None, bool, list[str]]:
    """The person's points of each frame, the direction up in each camera's axes, whether that is one for all
    frames of a camera that stands still, and what was noticed."""
    frames = capture.frames
    notes: list[str] = []
    if len(frames) > options.max_frames:
        ids = np.unique(np.linspace(0, len(frames) - 1, options.max_frames).round().astype(int))
        notes.append(f"{len(ids)} of {len(frames)} frames were taken, evenly over the capture.")
        frames = LazyFrames([partial(frames.__getitem__, int(k)) for k in ids])
    with stages.run("frames", options.segment) as remarks:
        with PersonDetector() as detector:
            cut = segment_frames(frames, detector, options.segment, up=capture.up)
        notes += cut.notes
        points, ups = [], []
        for k in cut.kept:
            found = frame_points(frames[k], cut.masks[k], capture.sensor, options.points)
            if len(found.points) < LEAST_POINTS:
                notes.append(f"{found.name}: less than {LEAST_POINTS} usable pixels, left out.")
                continue
            points.append(found)
            ground = cut.grounds[k]
            ups.append(None if ground is None else ground.normal)
        if not points:
            raise InputError(
                f"{capture.source}: no frame has {LEAST_POINTS} usable pixels of the person. Is the person "
                "too far away, or the sensor's range exceeded?"
            )
        remarks.append(f"{len(points)} frames, {sum(len(f.points) for f in points):,} points of the person")
    known = [up for up in ups if up is not None]
    if len(known) < len(ups):
        return points, None, False, notes
    return points, np.array(known), cut.is_still_camera, notes


def _poses(frames: list[FramePoints], ups: F64 | None, options: DepthOptions) -> tuple[Trajectory, str]:
    given = [frame.world_from_camera for frame in frames]
    known = [pose for pose in given if pose is not None]
    if options.poses == "given" and len(known) < len(frames):
        name = next(frame.name for frame in frames if frame.world_from_camera is None)
        raise InputError(f"The frame {name} has no pose; give a capture with poses, or let them be tracked.")
    if options.poses == "track" or len(known) < len(frames):
        if len({frame.camera for frame in frames}) > 1:
            raise InputError(
                "Frames of several cameras need the cameras' poses: calibrate the rig and give each camera's "
                "world_from_camera."
            )
        return track_frames(frames, options.track, ups), "tracked"
    exactly = options.poses == "given"
    trajectory = given_trajectory(frames, np.array(known), ups, options.track, exactly=exactly)
    return trajectory, "given and moved" if trajectory.notes else "given"


def _ups_in_world(trajectory: Trajectory, how: str, ups: F64 | None) -> F64 | None:
    """(N, 3) up as the floor has it. Given poses need none: their world does not lean with the person."""
    if how == "given" or ups is None:
        return None
    return np.einsum("nij,nj->ni", trajectory.world_from_camera[:, :3, :3], ups)


def _pose_remarks(trajectory: Trajectory, how: str) -> list[str]:
    closed = f", the loop closes within {trajectory.loop_rms_mm:.1f} mm" if trajectory.closed else ""
    return [f"{how}, {trajectory.total_turn_deg:.0f} degrees around{closed}", *trajectory.notes]


def _require_closed(frames: list[FramePoints], trajectory: Trajectory, options: DepthOptions) -> None:
    if options.accept_open or trajectory.is_all_around:
        return
    raise StageError(
        f"The capture does not close: from {frames[0].name} to {frames[-1].name} the camera went "
        f"{trajectory.total_turn_deg:.0f} degrees around the person"
        + ("" if trajectory.total_turn_deg < 330 else ", and its ends do not agree")
        + ". Take a full turn with some overlap, or accept what was seen with --accept-open."
    )


def _fused_rigid(
    frames: list[FramePoints], poses: F64, voxel_m: float, options: DepthOptions
) -> FusedSurface:
    fusion = SurfaceFusion(voxel_m, options.fuse)
    for frame, pose in zip(frames, poses, strict=True):
        fusion.add(oriented_points(frame, pose))
    return fusion.extract()


def _first_fit(
    fused: FusedSurface, reconstruct: ReconstructOptions | None
) -> tuple[ScanMesh, BodyParams, BodyModel]:
    raw = Capture(mesh=fused.mesh, unit="m", up="+y", confidence=fused.confidence)
    scan = reconstruct_scan(raw, reconstruct)
    fit = fit_body(scan, FIRST_FIT)
    return scan, fit.params, model_of(fit)


def _followed(
    frames: list[FramePoints],
    poses: F64,
    model: BodyModel,
    params: BodyParams,
    scan: ScanMesh,
    options: DepthOptions,
) -> tuple[SequenceFit, BodyModel]:
    """The body through the capture, and the model with the person's own surface for a template."""
    first = fit_sequence(frames, poses, model, params, options.sequence)
    fused = _fused_in_mean_pose(frames, poses, first, model, FIRST_VOXEL_M / 1.25, options)
    sharp = ScanMesh(fused.mesh, fused.confidence)
    template = detailed_model(model, first.mean, sharp)
    return fit_sequence(frames, poses, template, first.params, options.sequence, POSE_LEVELS), template


def _fused_in_mean_pose(
    frames: list[FramePoints],
    poses: F64,
    sequence: SequenceFit,
    model: BodyModel,
    voxel_m: float,
    options: DepthOptions,
) -> FusedSurface:
    warp = Warp(model, sequence.mean)
    fusion = SurfaceFusion(voxel_m, options.fuse)
    for frame, pose, params in zip(frames, poses, sequence.params, strict=True):
        fusion.add(_warped(warp, oriented_points(frame, pose), params))
    return fusion.extract()


def _warped(warp: Warp, cloud: OrientedPoints, params: BodyParams) -> OrientedPoints:
    moved = warp(params, cloud.points, cloud.normals)
    kept = moved.kept
    colors = None if cloud.colors is None else cloud.colors[kept]
    return OrientedPoints(moved.points[kept], moved.normals[kept], cloud.weights[kept], colors)


def _fused(
    frames: list[FramePoints],
    poses: F64,
    sequence: SequenceFit | None,
    model: BodyModel,
    options: DepthOptions,
) -> tuple[FusedSurface, dict[str, float], bool]:
    """The last surface, how well frames agree with it, and whether the body was followed."""
    voxel_m = options.voxel_mm / 1000
    if sequence is None:
        rigid = _fused_rigid(frames, poses, voxel_m, options)
        return rigid, {"rigid": agreement_mm(rigid.mesh, _clouds(frames, poses, None, model))}, False
    body = _fused_in_mean_pose(frames, poses, sequence, model, voxel_m, options)
    told = {"body": agreement_mm(body.mesh, _clouds(frames, poses, sequence, model))}
    if options.motion == "body":
        return body, told, True
    rigid = _fused_rigid(frames, poses, voxel_m, options)
    told["rigid"] = agreement_mm(rigid.mesh, _clouds(frames, poses, None, model))
    followed = told["body"] < RIGID_UNLESS * told["rigid"]
    return (body if followed else rigid), told, followed


def _clouds(
    frames: list[FramePoints], poses: F64, sequence: SequenceFit | None, model: BodyModel
) -> list[F64]:
    """A few points of each frame where they are fused."""
    warp = None if sequence is None else Warp(model, sequence.mean)
    out = []
    for k, (frame, pose) in enumerate(zip(frames, poses, strict=True)):
        rows = np.arange(0, len(frame.points), max(len(frame.points) // 600, 1))
        rows = rows[frame.trust[rows] > 0.5]
        points = frame.points[rows] @ pose[:3, :3].T + pose[:3, 3]
        if warp is not None and sequence is not None:
            moved = warp(sequence.params[k], points, frame.normals[rows] @ pose[:3, :3].T)
            points = moved.points[moved.kept]
        out.append(np.asarray(points, np.float64))
    return out


__all__ = ["DepthOptions", "DepthReport", "DepthScan", "depth_to_scan"]
