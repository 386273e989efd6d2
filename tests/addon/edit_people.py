"""A scanned and fitted person in a working folder and in the scene, with known truth, made in a second."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bodyscan.body.asset import load_body_model
from bodyscan.body.landmarks import POSE_LANDMARKS, detector_points
from bodyscan.body.model import BodyModel
from bodyscan.fit.start import seen_faces
from bodyscan.geometry.normals import vertex_normals
from bodyscan.steps.arrays import fit_arrays, scan_arrays, write_arrays
from bodyscan.steps.folder import WorkFolder
from bodyscan.types import BodyFit, BodyParams, FitQuality, Landmarks, Mesh, ScanMesh
from fit.people import person_params, visible_mesh

NOISE_M = 0.002
LOST = ("right_thumb", "left_heel")
"""Landmarks that the detector did not find."""
UNSURE = ("left_wrist",)
BUMP_M = 0.006
"""How far the fitted surface stands out from the parametric body over the belly."""
QUALITY = FitQuality(1.0, 3.0, 2.0, 0.9, 0.95, 1.0, 1.0, 0.5, 1.0, True)


def truth(seed: int = 3) -> tuple[BodyModel, BodyParams]:
    """The adult body and a person's true parameters."""
    model = load_body_model("adult")
    return model, person_params(model, seed)


def landmarks_of(model: BodyModel, params: BodyParams, *, face: bool = True) -> Landmarks:
    """What a detector finds of the true person: two points lost, one unsure."""
    posed = model.pose(params)
    points = detector_points(model)
    names = tuple(n for n in points.names if n not in LOST and (face or not n.startswith("face_")))
    places = points.subset(names).positions(posed.vertices, posed.joints)
    skin = np.array([n not in POSE_LANDMARKS for n in names])
    noise = np.random.default_rng(1).normal(size=places.shape) * np.where(skin, 0.0, NOISE_M)[:, None]
    sure = np.array([0.3 if n in UNSURE else 0.95 for n in names], np.float32)
    return Landmarks(names, places + noise, sure)


def scan_of(model: BodyModel, params: BodyParams, *, landmarks: bool = True, cloud: bool = False) -> ScanMesh:
    """The true person's visible faces, with colours."""
    mesh = visible_mesh(model, model.pose(params).vertices)
    height = mesh.vertices[:, 1:2] / mesh.vertices[:, 1].max()
    shades = np.concatenate([0.5 + 0 * height, 0.3 + 0.4 * height, 0.8 - 0.5 * height], axis=1)
    colors = (255 * shades).astype(np.uint8)
    normals = vertex_normals(mesh.vertices, mesh.faces)
    shown = Mesh(
        mesh.vertices,
        mesh.faces[:0] if cloud else mesh.faces,
        colors=colors,
        normals=normals if cloud else None,
    )
    found = landmarks_of(model, params) if landmarks else None
    return ScanMesh(shown, np.ones(len(shown.vertices)), landmarks=found, sha256="ab" * 32)


def fit_of(model: BodyModel, params: BodyParams, num_scan: int) -> BodyFit:
    """A fit at `params`, its surface and skin with a belly that the parametric body has not."""
    posed = model.pose(params)
    navel = posed.joints[model.joint_index("spine")] + [0.0, 0.05, 0.1]
    bump = np.exp(-np.square(np.linalg.norm(posed.vertices - navel, axis=1) / 0.12))
    out = bump[:, None] * vertex_normals(posed.vertices, model.faces)
    count = model.num_vertices
    return BodyFit(
        params=params,
        body=model.mesh(posed.vertices),
        surface=model.mesh(posed.vertices + BUMP_M * out),
        skin=model.mesh(posed.vertices + 0.5 * BUMP_M * out),
        skeleton=model.skeleton(posed),
        distance_mm=np.zeros(num_scan, np.float32),
        coverage=np.ones(count, np.float32),
        clothing=np.zeros(count, np.float32),
        quality=QUALITY,
        model_name=model.name,
    )


def wrong_params(model: BodyModel, params: BodyParams) -> BodyParams:
    """A fit that went wrong: the left arm 20 degrees too high."""
    pose = params.pose_rotvec.copy()
    pose[model.joint_index("leftUpperArm"), 2] += np.radians(20)
    return replace(params, pose_rotvec=pose)


def keep_scan(folder: WorkFolder, scan: ScanMesh) -> None:
    """Put a scan into a working folder as the step does."""
    arrays, facts = scan_arrays(scan)
    told = {"summary": "", "warnings": [], "values": {}, "steps": [], "options": {}}
    folder.keep("scan", told, "", lambda place: write_arrays(place / "scan.npz", arrays, facts))


def keep_fit(folder: WorkFolder, fit: BodyFit) -> str:
    """Put a fit into a working folder as the step does; return the result's name."""
    arrays, facts = fit_arrays(fit)
    told = {"summary": "", "warnings": [], "values": {}, "steps": [], "options": {}}
    scan = folder.state()["scan"].result
    state = folder.keep("fit", told, scan, lambda place: write_arrays(place / "fit.npz", arrays, facts))
    return state.result


def make_person(
    path: Path, *, name: str = "Ada", fitted: BodyParams | None = None, with_fit: bool = True, **scan: Any
) -> Any:
    """A person in the scene with scan and fit, as after the steps; `fitted` are the fit's parameters."""
    import bpy  # pyright: ignore[reportMissingImports]
    from bodyscan_blender.people import new_person  # pyright: ignore[reportMissingImports]
    from bodyscan_blender.scan.scan_object import show_fit, show_scan  # pyright: ignore[reportMissingImports]
    from bodyscan_blender.scan.scan_view import view_scan  # pyright: ignore[reportMissingImports]
    from bodyscan_blender.steps.shown_results import note  # pyright: ignore[reportMissingImports]

    from bodyscan.consent.demo import make_demo_consent

    model, params = truth()
    folder = WorkFolder.create(path)
    mesh = scan_of(model, params, **scan)
    keep_scan(folder, mesh)
    person = new_person(bpy.context.scene, name, consent=make_demo_consent(name).text, folder=path)
    show_scan(person, view_scan(mesh))
    if with_fit:
        fitted = wrong_params(model, params) if fitted is None else fitted
        fit = fit_of(model, fitted, len(mesh.mesh.vertices))
        keep_fit(folder, fit)
        show_fit(person, fit)
    note(person, folder.state())
    bpy.context.view_layer.objects.active = person.object("surface" if with_fit else "scan")
    return person


def said(operator: str, **properties: Any) -> str:
    """Run an operator of the add-on; what it refuses with, or `FINISHED`."""
    import bpy  # pyright: ignore[reportMissingImports]

    try:
        return next(iter(getattr(bpy.ops.bodyscan, operator)(**properties)))
    except RuntimeError as error:
        return str(error).removeprefix("Error: ").strip()


def seen(model: BodyModel) -> np.ndarray:
    """(F', 3) the faces that a scanner sees."""
    return model.faces[seen_faces(model)]
