"""GLB -> the body, its rig and what the file says about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bodyscan.errors import InputError
from bodyscan.geometry.srgb import srgb_from_linear
from bodyscan.gltf.accessors import AccessorReader
from bodyscan.gltf.consent_copies import agreed_consent
from bodyscan.gltf.container import unpack_glb
from bodyscan.gltf.metadata import (
    bodyscan_extras,
    parse_landmarks,
    parse_measurements,
    parse_provenance,
)
from bodyscan.gltf.nodes import NodeTree
from bodyscan.gltf.primitives import PrimitiveReader
from bodyscan.gltf.rest_pose import (
    common_matrix,
    extent_of,
    inverse_bind_matrices,
    move_points,
    positions_of,
    rest_surfaces,
)
from bodyscan.types import F32, F64, I32, U8, U16, Measurement, Morph, Provenance, Skeleton, frozen_array

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

    Quantised, meshopt- and Draco-compressed files are decoded; positions, normals, face shapes and inverse
    binds are then in metres again. Raises `InputError` for another format, a damaged file, or a file without
    exactly one skinned body of one primitive; `ConsentError` where the consent copies differ;
    `MissingExtraError` for a Draco file without the extra `draco`.
    """
    document, binary = unpack_glb(source)
    try:
        return _read_body(document, AccessorReader(document, binary))
    except DAMAGE as error:
        raise InputError(f"The file's glTF document is damaged: {error!r}.") from None


def read_consent(source: str | Path | bytes) -> tuple[str | None, F32, I32]:
    """Return the consent text and the rest-pose geometry that it must belong to.

    Returns `(text or None, positions (V, 3) float32 metres, faces (F, 3) int32)`. The geometry is every
    triangle of every mesh in the file, so that no second body can hide beside the consented one, where the
    file's nodes and joints show it (`rest_pose`). In a plain twin that is the stored bits, for the binding is
    over them; quantised, meshopt- and Draco-compressed meshes are decoded first. The record stands in up to
    three places (root extension, XMP packet, extras of the body node); any one is enough.

    Raises `ConsentError` where copies differ or one is no text, `InputError` where the file cannot be read,
    `MissingExtraError` for a Draco file without the extra `draco`.
    """
    document, binary = unpack_glb(source)
    text = agreed_consent(document)
    try:
        positions, faces = _all_triangles(document, AccessorReader(document, binary))
    except DAMAGE as error:
        raise InputError(f"The file's glTF document is damaged: {error!r}.") from None
    return text, positions, faces


def _all_triangles(document: Mapping[str, Any], reader: AccessorReader) -> tuple[F32, I32]:
    surfaces = rest_surfaces(document, reader)
    if not surfaces:
        raise InputError("The file holds no triangle mesh; a twin has a body.")
    begins = np.cumsum([0, *(len(surface.positions) for surface in surfaces)])
    faces = [surface.faces + begin for surface, begin in zip(surfaces, begins, strict=False)]
    return (
        np.concatenate([surface.positions for surface in surfaces]),
        np.concatenate(faces).astype(np.int32),
    )


def _read_body(document: Mapping[str, Any], reader: AccessorReader) -> GlbBody:
    node = _body_node(document)
    mesh = document["meshes"][node["mesh"]]
    if len(mesh["primitives"]) != 1:
        raise InputError(f"The body mesh has {len(mesh['primitives'])} primitives; a twin's has one.")
    primitive = mesh["primitives"][0]
    read = PrimitiveReader(primitive, reader, str(mesh.get("name", "?")))
    for name in ("POSITION", "JOINTS_0", "WEIGHTS_0"):
        if not read.has(name):
            raise InputError(f"The body mesh has no {name}; a twin's mesh is skinned.")
    stored = positions_of(read)
    count = len(stored)
    skeleton, inverse_binds, rest_world, new_index, mesh_matrix = _skeleton(
        document, node["skin"], reader, extent_of(stored)
    )
    joints = read.attribute("JOINTS_0").astype(np.int64)
    if joints.size and joints.max() >= len(new_index):
        raise InputError(f"A vertex names joint {int(joints.max())}; the skin has {len(new_index)}.")

    def optional(name: str, *width: int | None) -> NDArray[Any] | None:
        if not read.has(name):
            return None
        return frozen_array(name, read.attribute(name), np.float32, (count, *width))

    colors, source = optional("COLOR_0", None), optional("_BODY_VERTEX")
    if source is not None and len(source) and not 0 <= source.min() <= source.max() < 2**24:
        raise InputError("The file's _BODY_VERTEX holds values that are no vertex indices.")
    extras = bodyscan_extras(document)
    return GlbBody(
        positions=frozen_array("POSITION", move_points(stored, mesh_matrix), np.float32, (count, 3)),
        faces=frozen_array("triangles", read.faces(count), np.int32, (None, 3)),
        normals=_unit(optional("NORMAL", 3), read, mesh_matrix),
        uvs=optional("TEXCOORD_0", 2),
        colors=None if colors is None else srgb_from_linear(colors[:, :3]),
        joint_indices=frozen_array("JOINTS_0", new_index[joints], np.uint16, (count, 4)),
        joint_weights=frozen_array("WEIGHTS_0", read.attribute("WEIGHTS_0"), np.float32, (count, 4)),
        skeleton=skeleton,
        inverse_binds=inverse_binds,
        rest_world=rest_world,
        morphs=_morphs(mesh, primitive, reader, mesh_matrix),
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


def _unit(normals: NDArray[Any] | None, read: PrimitiveReader, mesh_matrix: F64) -> NDArray[Any] | None:
    """Turn normals with the mesh and mend the length that quantisation took."""
    if normals is None or (not read.is_integer("NORMAL") and np.array_equal(mesh_matrix, np.eye(4))):
        return normals
    turned = normals.astype(np.float64) @ np.linalg.inv(mesh_matrix[:3, :3])
    length = np.linalg.norm(turned, axis=1, keepdims=True)
    unit = (turned / np.where(length > 0, length, 1)).astype(np.float32)
    return frozen_array("NORMAL", unit, np.float32, (None, 3))


def _morphs(
    mesh: Mapping[str, Any], primitive: Mapping[str, Any], reader: AccessorReader, mesh_matrix: F64
) -> tuple[Morph, ...]:
    targets = primitive.get("targets", [])
    names = mesh.get("extras", {}).get("targetNames", [])
    if len(names) != len(targets):
        raise InputError(f"The body mesh has {len(targets)} morph targets and {len(names)} names for them.")
    linear = mesh_matrix[:3, :3]
    morphs = []
    for name, target in zip(names, targets, strict=True):
        deltas = reader.read(target["POSITION"]).astype(np.float32)
        moved = np.flatnonzero(deltas.any(axis=1))
        kept = deltas[moved]
        if not np.array_equal(linear, np.eye(3)):
            kept = (kept.astype(np.float64) @ linear.T).astype(np.float32)
        morphs.append(Morph(name=str(name), vertex_ids=moved.astype(np.int32), deltas=kept))
    return tuple(morphs)


def _skeleton(
    document: Mapping[str, Any], skin_index: int, reader: AccessorReader, extent: float
) -> tuple[Skeleton, F64, F64, NDArray[np.int64], F64]:
    """Return skeleton, inverse binds, node world matrices, file joint -> skeleton joint, world_from_mesh.

    The last is what all joints share in the rest pose: the dequantisation. It is taken out of the inverse
    binds, which then are those of the plain file.
    """
    tree = NodeTree(document)
    joints = document["skins"][skin_index]["joints"]
    slot = {joint: i for i, joint in enumerate(joints)}
    world = np.stack([tree.world_matrix(joint) for joint in joints])
    parents = [tree.nearest_ancestor(joint, slot) for joint in joints]
    order = list(range(len(joints)))
    if any(parent >= i for i, parent in enumerate(parents)):
        order.sort(key=lambda i: _depth(i, parents))
    new_index = np.empty(len(joints), np.int64)
    new_index[order] = np.arange(len(joints))
    inverse_binds = inverse_bind_matrices(document, skin_index, reader)
    mesh_matrix = np.eye(4)
    try:
        bind_world = np.linalg.inv(inverse_binds)
        with np.errstate(over="ignore", invalid="ignore"):
            common = common_matrix(np.nan_to_num(world @ inverse_binds), extent)
        if common is not None and not np.array_equal(common, np.eye(4)):
            mesh_matrix = common
            inverse_binds = inverse_binds @ np.linalg.inv(common)
            bind_world = np.linalg.inv(inverse_binds)
    except np.linalg.LinAlgError:
        raise InputError("An inverse bind matrix of the file is singular.") from None
    skeleton = Skeleton(
        joint_names=tuple(str(tree.nodes[joints[i]].get("name", f"joint_{i}")) for i in order),
        parents=np.array([new_index[parents[i]] if parents[i] >= 0 else -1 for i in order]),
        positions=bind_world[order, :3, 3],
    )
    return skeleton, inverse_binds[order], world[order], new_index, mesh_matrix


def _depth(index: int, parents: list[int]) -> int:
    depth = 0
    while parents[index] >= 0:
        index, depth = parents[index], depth + 1
    return depth
