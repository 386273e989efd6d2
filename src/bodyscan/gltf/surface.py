"""One skinned surface as a glTF mesh: attributes, triangles, face shapes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bodyscan.errors import InputError
from bodyscan.geometry.influences import clean_influences
from bodyscan.geometry.tangents import vertex_tangents
from bodyscan.gltf.attributes import seamless_normals
from bodyscan.gltf.buffer import ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER, BufferPacker, smallest_index_dtype
from bodyscan.gltf.color import srgb8_to_linear16
from bodyscan.gltf.options import GltfOptions
from bodyscan.gltf.targets import load_target
from bodyscan.types import F32, I32, Mesh, Morph, Rig

TRIANGLES = 4


def check_surface(rig: Rig, vertex_source: I32, morphs: Sequence[Morph]) -> None:
    """Raise `InputError` where a surface is none, or holds what glTF cannot."""
    if rig.mesh.is_cloud:
        raise InputError("The twin has no faces; a GLB twin needs a surface.")
    count = len(rig.mesh.vertices)
    if vertex_source.shape != (count,):
        raise InputError(
            f"Twin.vertex_source has the shape {vertex_source.shape}; the mesh has {count} vertices."
        )
    if not len(rig.skeleton.joint_names):
        raise InputError("The twin's skeleton has no joints.")
    names = [morph.name for morph in morphs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"The twin has two morphs of the name {', '.join(twice)}; names must be unique.")
    for morph in morphs:
        ids = morph.vertex_ids
        if len(ids) and (ids[0] < 0 or ids[-1] >= count or (np.diff(ids) <= 0).any()):
            raise InputError(
                f"The morph '{morph.name}' must name vertices 0 to {count - 1} once each, in ascending order."
            )


def body_mesh(
    rig: Rig,
    vertex_source: I32,
    morphs: Sequence[Morph],
    packer: BufferPacker,
    options: GltfOptions,
    *,
    first_joint: int = 0,
    colors: bool = True,
    source: bool = True,
    tangents: bool = False,
) -> dict[str, Any]:
    """Return the glTF mesh `body` with one primitive and material 0; its arrays go into `packer`.

    `vertex_source` (V,): the vertex that each was split from; copies share a normal. `first_joint`: the
    file's joint that the rig's joint 0 is. `colors`, `source`, `tangents`: whether `COLOR_0` (where the mesh
    has colours), `_BODY_VERTEX` and `TANGENT` are written.
    """
    mesh, count = rig.mesh, len(rig.mesh.vertices)
    normals = seamless_normals(mesh.vertices, mesh.faces, vertex_source)
    joints, weights = clean_influences(rig.joint_indices, rig.joint_weights)
    # Unused places hold joint 0 of the file.
    joints = np.where(weights > 0, joints + first_joint, 0)
    joint_dtype = np.uint8 if len(rig.skeleton.joint_names) + first_joint <= 256 else np.uint16
    faces = np.ascontiguousarray(mesh.faces, dtype=smallest_index_dtype(count - 1)).ravel()

    def vertex_data(name: str, array: Any, **keywords: Any) -> int:
        return packer.add(name, np.ascontiguousarray(array), target=ARRAY_BUFFER, **keywords)

    indices = packer.add("triangles", faces, target=ELEMENT_ARRAY_BUFFER)
    attributes = {
        "POSITION": vertex_data("positions", mesh.vertices.astype(np.float32), bounds=True),
        "NORMAL": vertex_data("normals", normals),
        "JOINTS_0": vertex_data("joints", joints.astype(joint_dtype)),
        "WEIGHTS_0": vertex_data("weights", weights),
    }
    if mesh.uvs is not None:
        attributes["TEXCOORD_0"] = vertex_data("uvs", mesh.uvs)
    if tangents:
        attributes["TANGENT"] = vertex_data("tangents", _tangents(mesh, normals))
    if colors and mesh.colors is not None:
        opaque = np.full((count, 1), 65535, np.uint16)
        rgba = np.hstack([srgb8_to_linear16(mesh.colors), opaque])
        attributes["COLOR_0"] = vertex_data("colors", rgba, normalized=True)
    if source and options.vertex_source:
        attributes["_BODY_VERTEX"] = vertex_data("body vertices", vertex_source.astype(np.float32))
    primitive: dict[str, Any] = {
        "attributes": attributes,
        "indices": indices,
        "material": 0,
        "mode": TRIANGLES,
    }
    body: dict[str, Any] = {"name": "body", "primitives": [primitive]}
    if options.morphs and morphs:
        target = load_target(options.target)
        primitive["targets"] = _targets(mesh, vertex_source, morphs, normals, packer, options)
        body["weights"] = [0.0] * len(morphs)
        body["extras"] = {"targetNames": [target.morph_name(morph.name) for morph in morphs]}
    return body


def _tangents(mesh: Mesh, normals: F32) -> F32:
    if mesh.uvs is None:
        raise InputError("The twin has textures and its mesh has no uvs; leave the textures out.")
    return vertex_tangents(mesh.vertices, mesh.faces, mesh.uvs, normals).astype(np.float32)


def _targets(
    mesh: Mesh,
    vertex_source: I32,
    morphs: Sequence[Morph],
    normals: F32,
    packer: BufferPacker,
    options: GltfOptions,
) -> list[dict[str, int]]:
    count = len(mesh.vertices)
    items = []
    for morph in morphs:
        moved = np.linalg.norm(morph.deltas.astype(np.float64), axis=1) > options.morph_min_delta_m
        items.append((morph.name, morph.vertex_ids[moved], morph.deltas[moved]))
    targets = [{"POSITION": index} for index in packer.add_sparse_group(items, count, "morph positions")]
    if options.morph_normals:
        changes = [_normal_change(mesh, vertex_source, normals, *item) for item in items]
        indices = packer.add_sparse_group(changes, count, "morph normals")
        targets = [target | {"NORMAL": index} for target, index in zip(targets, indices, strict=True)]
    return targets


def _normal_change(
    mesh: Mesh, vertex_source: I32, normals: F32, name: str, ids: Any, deltas: F32
) -> tuple[str, Any, F32]:
    moved = np.array(mesh.vertices)
    moved[ids] += deltas
    change = seamless_normals(moved, mesh.faces, vertex_source) - normals
    # A thousandth is less than a tenth of a degree.
    visible = np.flatnonzero(np.linalg.norm(change, axis=1) > 1e-3)
    return f"{name} normals", visible, change[visible]
