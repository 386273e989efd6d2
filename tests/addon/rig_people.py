"""Twins of made-up people with all parts, as the files that an exporter writes."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from addon.outside import outside
from bodyscan.body.asset import load_body_model
from bodyscan.body.poses import standard_pose
from bodyscan.gltf import export_twin, read_glb
from bodyscan.twin.collision import collision_body
from bodyscan.types import F64, Skeleton, Twin
from gltf.complete import checker_textures, with_consent, with_parts
from gltf.full_size import full_size_twin

bone_layout, pose_arrays = outside("rig.bone_layout"), outside("rig.pose_arrays")


@cache
def person(pose: str | None = "a", size: int = 64) -> Twin:
    """The mean person with images, a level of detail and a real collision body, under a demo's consent."""
    twin = with_parts(full_size_twin(pose), size=size)
    body = collision_body(load_body_model(), twin.rig)
    return with_consent(
        replace(twin, textures=checker_textures(size), levels=twin.levels[:1], collision=body)
    )


def write_person(folder: Path, pose: str | None = "a", name: str = "twin") -> Path:
    """Write the twin's files into a folder; return the path of `NAME.glb`."""
    path = folder / f"{name}.glb"
    export_twin(person(pose), path)
    return path


def made_body(betas: F64, pose: str | None = "a"):
    """A made person in a bind pose, as the pose library sees them; and the faces of their skin."""
    model = load_body_model()
    params = replace(model.zero_params(), betas=betas)
    if pose is not None:
        params = replace(params, pose_rotvec=standard_pose(model, betas, pose))
    posed = model.pose(params)
    floor = np.array([0.0, posed.vertices[:, 1].min(), 0.0])
    vertices, joints = posed.vertices - floor, posed.joints - floor
    weights = np.asarray(model.skin_weights.todense())
    top = np.argsort(-weights, axis=1, kind="stable")[:, :4]
    kept = np.take_along_axis(weights, top, axis=1)
    kept /= kept.sum(axis=1, keepdims=True)
    corners = vertices[model.faces]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.zeros_like(vertices)
    np.add.at(normals, model.faces.ravel(), np.repeat(across, 3, axis=0))
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    skeleton = Skeleton(model.joint_names, model.parents, joints)
    return as_pose_body(skeleton, vertices, normals, top, kept), model.faces


def as_pose_body(skeleton: Skeleton, vertices: F64, normals: F64, joints: np.ndarray, weights: F64):
    layout = bone_layout.bone_layout(
        skeleton,
        skeleton.joint_names,
        vertices.astype(np.float32),
        joints.astype(np.uint16),
        weights.astype(np.float32),
    )
    along = (layout.tails - layout.heads) / layout.lengths[:, None]
    return pose_arrays.PoseBody(
        names=skeleton.joint_names,
        parents=skeleton.parents,
        heads=skeleton.positions,
        x_axes=np.cross(along, layout.z_axes),
        positions=vertices,
        normals=normals,
        joints=joints.astype(np.int64),
        weights=weights.astype(np.float64),
    )


def pose_body_of(path: Path):
    """A twin's file as the pose library sees it."""
    body = read_glb(path)
    weights = body.joint_weights.astype(np.float64)
    return as_pose_body(
        body.skeleton,
        body.positions.astype(np.float64),
        body.normals.astype(np.float64),
        body.joint_indices,
        weights / weights.sum(axis=1, keepdims=True),
    )
