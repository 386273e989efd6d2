"""GLB -> the body, its rig and what the file says about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bodyscan.errors import InputError
from bodyscan.gltf.accessors import AccessorReader
from bodyscan.gltf.color import linear_to_srgb8
from bodyscan.gltf.container import unpack_glb
from bodyscan.gltf.metadata import (
    agreed_consent,
    bodyscan_extras,
    parse_landmarks,
    parse_measurements,
    parse_provenance,
)
from bodyscan.types import F32, F64, I32, U8, U16, Measurement, Morph, Provenance, Skeleton, frozen_array

TRIANGLES = 4
DAMAGE = (KeyError, IndexError, TypeError, AttributeError, ValueError, OverflowError)
"""What plain Python raises on a document that is not built as glTF says."""


@dataclass(frozen=True, eq=False)
class GlbBody:
    """What a twin's GLB holds, as arrays. World frame: metres, +Y up, facing +Z."""

    positions: F32
    """(V, 3) float32, bind pose: the geometry that the consent is bound to."""
    faces: I32
    """(F, 3) int32."""
    normals: F32 | None
    """(V, 3) float32."""
    uvs: F32 | None
    """(V, 2) float32, origin at the top left."""
    colors: U8 | None
    """(V, 3) uint8 sRGB."""
    joint_indices: U16
    """(V, 4) uint16, into `skeleton`."""
    joint_weights: F32
    """(V, 4) float32."""
    skeleton: Skeleton
    """Joints in the bind pose, from the inverse bind matrices; a parent stands before its children."""
    inverse_binds: F64
    """(J, 4, 4) float64, joint_from_world in the bind pose."""
    rest_world: F64
    """(J, 4, 4) float64, world_from_joint as the nodes stand in the file."""
    morphs: tuple[Morph, ...]
    vertex_source: I32 | None
    """(V,) int32 body-topology vertex, or None where a tool dropped it."""
    measurements: tuple[Measurement, ...]
    landmarks: Mapping[str, tuple[float, float, float]]
    provenance: Provenance | None
    pose: str
    """`captured`, `a` or `t`; empty where the file does not say."""
    consent: str | None
    """The signed record as it stands in the file: not verified here."""

    @property
    def morph_names(self) -> tuple[str, ...]:
        """Names of the face shapes, in the file's order."""
        return tuple(morph.name for morph in self.morphs)


def read_glb(source: str | Path | bytes) -> GlbBody:
    """Read a twin's GLB from a path or from bytes.

    Raises `InputError` for another format, a damaged file, or a file without exactly one skinned body of
    one primitive; `ConsentError` where the consent copies differ.
    """
    document, binary = unpack_glb(source)
    try:
        return _read_body(document, AccessorReader(document, binary))
    except DAMAGE as error:
        raise InputError(f"The file's glTF document is damaged: {error!r}.") from None


def read_consent(source: str | Path | bytes) -> tuple[str | None, F32, I32]:
    """Return the consent text and the rest-pose geometry that it must belong to.

    Returns `(text or None, positions (V, 3) float32 metres, faces (F, 3) int32)`. The geometry is every
    triangle of every mesh in the file, so that no second body can hide beside the consented one; positions
    are as stored, for the binding is over their bits. The record stands in up to three places (root
    extension, XMP packet, extras of the body node); any one is enough.

    Raises `ConsentError` where copies differ or one is no text, `InputError` where the file cannot be read.
    """
    document, binary = unpack_glb(source)
    text = agreed_consent(document)
    try:
        positions, faces = _all_triangles(document, AccessorReader(document, binary))
    except DAMAGE as error:
        raise InputError(f"The file's glTF document is damaged: {error!r}.") from None
    return text, positions, faces


def _all_triangles(document: Mapping[str, Any], reader: AccessorReader) -> tuple[F32, I32]:
    vertex_parts, face_parts, offset = [], [], 0
    for mesh in document.get("meshes", []):
        for primitive in mesh["primitives"]:
            if primitive.get("mode", TRIANGLES) != TRIANGLES:
                raise InputError(
                    f"The mesh '{mesh.get('name', '?')}' is drawn with mode {primitive['mode']}; a twin "
                    "holds triangles alone (mode 4), so its geometry cannot be compared with the consent."
                )
            positions = reader.read(primitive["attributes"]["POSITION"]).astype(np.float32)
            vertex_parts.append(positions)
            face_parts.append(_faces(primitive, reader, len(positions)) + offset)
            offset += len(positions)
    if not vertex_parts:
        raise InputError("The file holds no triangle mesh; a twin has a body.")
    return np.concatenate(vertex_parts), np.concatenate(face_parts).astype(np.int32)


def _faces(primitive: Mapping[str, Any], reader: AccessorReader, count: int) -> NDArray[Any]:
    flat = reader.read(primitive["indices"]) if "indices" in primitive else np.arange(count)
    if flat.ndim != 1 or flat.dtype.kind not in "iu":
        raise InputError("The file's triangles are damaged: their indices are no whole numbers.")
    if len(flat) % 3 or (len(flat) and not 0 <= flat.min() <= flat.max() < count):
        raise InputError(f"The file's triangles are damaged: {len(flat)} indices for {count} vertices.")
    return flat.astype(np.int64).reshape(-1, 3)


def _read_body(document: Mapping[str, Any], reader: AccessorReader) -> GlbBody:
    node = _body_node(document)
    mesh = document["meshes"][node["mesh"]]
    if len(mesh["primitives"]) != 1:
        raise InputError(f"The body mesh has {len(mesh['primitives'])} primitives; a twin's has one.")
    primitive = mesh["primitives"][0]
    attributes = primitive["attributes"]
    for name in ("POSITION", "JOINTS_0", "WEIGHTS_0"):
        if name not in attributes:
            raise InputError(f"The body mesh has no {name}; a twin's mesh is skinned.")
    positions = reader.read(attributes["POSITION"]).astype(np.float32)
    count = len(positions)
    skeleton, inverse_binds, rest_world, new_index = _skeleton(document, node["skin"], reader)
    joints = reader.read(attributes["JOINTS_0"]).astype(np.int64)
    if joints.size and joints.max() >= len(new_index):
        raise InputError(f"A vertex names joint {int(joints.max())}; the skin has {len(new_index)}.")

    def optional(name: str, *width: int | None) -> NDArray[Any] | None:
        if name not in attributes:
            return None
        return frozen_array(name, reader.read(attributes[name]), np.float32, (count, *width))

    colors, source = optional("COLOR_0", None), optional("_BODY_VERTEX")
    if source is not None and len(source) and not 0 <= source.min() <= source.max() < 2**24:
        raise InputError("The file's _BODY_VERTEX holds values that are no vertex indices.")
    extras = bodyscan_extras(document)
    return GlbBody(
        positions=frozen_array("POSITION", positions, np.float32, (count, 3)),
        faces=frozen_array("triangles", _faces(primitive, reader, count), np.int32, (None, 3)),
        normals=optional("NORMAL", 3),
        uvs=optional("TEXCOORD_0", 2),
        colors=None if colors is None else linear_to_srgb8(colors[:, :3]),
        joint_indices=frozen_array("JOINTS_0", new_index[joints], np.uint16, (count, 4)),
        joint_weights=frozen_array("WEIGHTS_0", reader.read(attributes["WEIGHTS_0"]), np.float32, (count, 4)),
        skeleton=skeleton,
        inverse_binds=inverse_binds,
        rest_world=rest_world,
        morphs=_morphs(mesh, primitive, reader),
        vertex_source=None if source is None else np.round(source).astype(np.int32),
        measurements=parse_measurements(extras),
        landmarks=parse_landmarks(extras),
        provenance=parse_provenance(extras),
        pose=str(extras.get("pose", "")),
        consent=agreed_consent(document),
    )


def _body_node(document: Mapping[str, Any]) -> Mapping[str, Any]:
    skinned = [node for node in document.get("nodes", []) if "mesh" in node and "skin" in node]
    if len(skinned) > 1:
        skinned = [node for node in skinned if node.get("name") == "body"]
    if len(skinned) != 1:
        found = [str(node.get("name", "?")) for node in document.get("nodes", []) if "mesh" in node]
        raise InputError(
            "The file is no twin: it must hold one skinned mesh node named 'body'. "
            f"Its mesh nodes are: {', '.join(found) or 'none'}."
        )
    return skinned[0]


def _morphs(
    mesh: Mapping[str, Any], primitive: Mapping[str, Any], reader: AccessorReader
) -> tuple[Morph, ...]:
    targets = primitive.get("targets", [])
    names = mesh.get("extras", {}).get("targetNames", [])
    if len(names) != len(targets):
        raise InputError(f"The body mesh has {len(targets)} morph targets and {len(names)} names for them.")
    morphs = []
    for name, target in zip(names, targets, strict=True):
        deltas = reader.read(target["POSITION"]).astype(np.float32)
        moved = np.flatnonzero(deltas.any(axis=1))
        morphs.append(Morph(name=str(name), vertex_ids=moved.astype(np.int32), deltas=deltas[moved]))
    return tuple(morphs)


def _skeleton(
    document: Mapping[str, Any], skin_index: int, reader: AccessorReader
) -> tuple[Skeleton, F64, F64, NDArray[np.int64]]:
    """Return skeleton, inverse binds, node world matrices, and file joint -> skeleton joint."""
    skin, nodes = document["skins"][skin_index], document["nodes"]
    joints = skin["joints"]
    parent_node = {child: i for i, node in enumerate(nodes) for child in node.get("children", [])}
    world = {joint: _world_matrix(joint, nodes, parent_node) for joint in joints}
    slot = {joint: i for i, joint in enumerate(joints)}
    parents = [_joint_parent(joint, parent_node, slot) for joint in joints]
    order = list(range(len(joints)))
    if any(parent >= i for i, parent in enumerate(parents)):
        order.sort(key=lambda i: _depth(i, parents))
    new_index = np.empty(len(joints), np.int64)
    new_index[order] = np.arange(len(joints))
    rest_world = np.stack([world[joints[i]] for i in order])
    if "inverseBindMatrices" in skin:
        stored = reader.read(skin["inverseBindMatrices"])
        if stored.shape != (len(joints), 16):
            raise InputError(f"The skin has {len(joints)} joints and inverse bind matrices {stored.shape}.")
        inverse_binds = stored.reshape(-1, 4, 4).transpose(0, 2, 1).astype(np.float64)[order]
    else:
        inverse_binds = np.tile(np.eye(4), (len(joints), 1, 1))
    try:
        bind_world = np.linalg.inv(inverse_binds)
    except np.linalg.LinAlgError:
        raise InputError("An inverse bind matrix of the file is singular.") from None
    skeleton = Skeleton(
        joint_names=tuple(str(nodes[joints[i]].get("name", f"joint_{i}")) for i in order),
        parents=np.array([new_index[parents[i]] if parents[i] >= 0 else -1 for i in order]),
        positions=bind_world[:, :3, 3],
    )
    return skeleton, inverse_binds, rest_world, new_index


def _joint_parent(joint: int, parent_node: Mapping[int, int], slot: Mapping[int, int]) -> int:
    """Return the slot of the nearest ancestor that is a joint, or -1."""
    seen = {joint}
    while joint in parent_node:
        joint = parent_node[joint]
        if joint in seen:
            raise InputError("The file's node tree has a cycle.")
        seen.add(joint)
        if joint in slot:
            return slot[joint]
    return -1


def _depth(index: int, parents: list[int]) -> int:
    depth = 0
    while parents[index] >= 0:
        index, depth = parents[index], depth + 1
    return depth


def _world_matrix(node: int, nodes: list[Mapping[str, Any]], parent_node: Mapping[int, int]) -> F64:
    matrix = _local_matrix(nodes[node])
    for _ in range(len(nodes)):
        if node not in parent_node:
            return matrix
        node = parent_node[node]
        with np.errstate(over="ignore", invalid="ignore"):
            matrix = _local_matrix(nodes[node]) @ matrix
    raise InputError("The file's node tree has a cycle.")


def _local_matrix(node: Mapping[str, Any]) -> F64:
    if "matrix" in node:
        return np.array(node["matrix"], dtype=np.float64).reshape(4, 4).T
    x, y, z, w = node.get("rotation", (0.0, 0.0, 0.0, 1.0))
    rotation = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    matrix = np.eye(4)
    matrix[:3, :3] = rotation * np.asarray(node.get("scale", (1.0, 1.0, 1.0)), dtype=np.float64)
    matrix[:3, 3] = node.get("translation", (0.0, 0.0, 0.0))
    return matrix
