"""Capture -> ScanMesh: world frame, clean-up, and the gate for whole persons, in this order."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from bodyscan.errors import InputError
from bodyscan.reconstruct.clean import clean_scan
from bodyscan.reconstruct.clean_options import CleanOptions, CleanResult
from bodyscan.reconstruct.mediapipe_detector import PersonDetector
from bodyscan.reconstruct.orient import FrameEstimate, FrameOptions, infer_frame
from bodyscan.reconstruct.person import PersonOptions, require_whole_person
from bodyscan.reconstruct.photo_poses import photos_in_world
from bodyscan.reconstruct.strays import without_strays
from bodyscan.types import F64, Capture, Landmarks, Mesh, ScanMesh

LARGE_PIECE_M2 = 0.15
"""A loose piece of this area, less than a newborn child's, is looked at before it is thrown away."""
MANY_LOST = 0.2
"""0..1, share of unused or far vertices from which a refusal tells of them."""
SMALLER_SHARE = 0.05
"""0..1, the share of the surface from which a second person is looked for in what clean-up took away."""
SOLE_PERCENTILE = 0.05
"""Percent of the lowest points that may lie under the soles: crumbs and noise."""


@dataclass(frozen=True)
class ReconstructOptions:
    """Options of `reconstruct_scan`."""

    frame: FrameOptions = field(default_factory=FrameOptions)
    """How unit, axes and facing are inferred."""
    clean: CleanOptions = field(default_factory=CleanOptions)
    """What is removed and repaired."""
    person: PersonOptions = field(default_factory=PersonOptions)
    """What counts as one whole person."""


def reconstruct_scan(capture: Capture, options: ReconstructOptions | None = None) -> ScanMesh:
    """A clean scan of one person in the world frame: metres, +Y up, facing +Z, soles at Y = 0.

    Raises `InputError` where the capture is no whole person or its size makes no sense, and
    `MissingExtraError` where the detector's models are not installed.
    """
    options = options or ReconstructOptions()
    mesh, stray_notes, kept = without_strays(capture.mesh)
    if capture.confidence is not None:
        capture = replace(capture, mesh=mesh, confidence=capture.confidence[kept])
    try:
        return _reconstructed(capture, mesh, stray_notes, options)
    except InputError as error:
        lost = 1 - float(kept.mean()) if len(kept) else 0.0
        if lost < MANY_LOST:
            raise
        # Text formats have no mark at their end: a copy that broke off still reads as a mesh.
        raise InputError(f"{error} The file may be cut off: {' '.join(stray_notes)}") from None


def _reconstructed(
    capture: Capture, mesh: Mesh, stray_notes: tuple[str, ...], options: ReconstructOptions
) -> ScanMesh:
    with PersonDetector(options.frame.landmarks.min_confidence) as detector:
        frame = infer_frame(
            mesh,
            capture.unit,
            capture.up,
            capture.facing,
            options.frame,
            texture=capture.texture,
            detector=detector,
        )
        upright = transformed(mesh, frame.world_from_input)
        cleaned = clean_scan(upright, capture.texture, options.clean)
        if max(cleaned.removed.get(key, 0.0) for key in ("largest_loose_m2", "loose_m2")) > LARGE_PIECE_M2:
            # Clean-up keeps one group; what it took away may be a second person.
            thorough = replace(options.person, other_share=SMALLER_SHARE)
            require_whole_person(upright, frame.landmarks, thorough, detector=detector)
        gate_notes = require_whole_person(cleaned.mesh, frame.landmarks, options.person, detector=detector)
    return _on_the_floor(capture, frame, cleaned, stray_notes, gate_notes)


def _on_the_floor(
    capture: Capture,
    frame: FrameEstimate,
    cleaned: CleanResult,
    stray_notes: tuple[str, ...],
    gate_notes: tuple[str, ...],
) -> ScanMesh:
    """Put the soles at Y = 0 once more: what was taken for soles may have been a floor."""
    drop = float(np.percentile(cleaned.mesh.vertices[:, 1], SOLE_PERCENTILE))
    lowering = np.eye(4)
    lowering[1, 3] = -drop
    world_from_input = lowering @ frame.world_from_input
    confidence = cleaned.confidence
    if capture.confidence is not None:
        confidence = confidence * capture.confidence[cleaned.source_vertex]
    return ScanMesh(
        mesh=transformed(cleaned.mesh, lowering),
        confidence=confidence,
        texture=capture.texture if cleaned.mesh.uvs is not None else None,
        world_from_input=world_from_input,
        unit=frame.unit,
        up=frame.up,
        facing=frame.facing,
        inferred=frame.inferred,
        landmarks=_moved(frame.landmarks, lowering),
        sha256=capture.sha256,
        notes=(*capture.notes, *stray_notes, *frame.notes, *cleaned.notes, *gate_notes),
        photos=photos_in_world(capture.photos, world_from_input),
    )


def transformed(mesh: Mesh, target_from_source: F64) -> Mesh:
    """`mesh` through a (4, 4) similarity; normals turn with it."""
    linear = target_from_source[:3, :3]
    vertices = mesh.vertices @ linear.T + target_from_source[:3, 3]
    normals = mesh.normals
    if normals is not None:
        rotation = linear / np.cbrt(np.linalg.det(linear))
        normals = normals @ rotation.T.astype(np.float32)
    return replace(mesh, vertices=vertices, normals=normals)


def _moved(landmarks: Landmarks | None, target_from_source: F64) -> Landmarks | None:
    if landmarks is None:
        return None
    positions = landmarks.positions @ target_from_source[:3, :3].T + target_from_source[:3, 3]
    return replace(landmarks, positions=positions)
