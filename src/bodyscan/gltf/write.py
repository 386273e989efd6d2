"""Twin -> GLB bytes.

What readers of the wild do decided the form (`docs/formats.md` has the table): uncompressed, metres,
the armature at identity, joint nodes that only translate, float32 weights (some readers scale
normalised byte weights wrongly), four influences, the skinned mesh at the root of the scene.

Morph normals are on. For the 52 shapes of the packaged body they take the file from 1.9 to 2.7 MB and
the writing from 0.02 to 0.3 s. Without them three.js lights a puffed cheek as if it were flat: the shape
can hardly be seen from the front. Blender and trimesh do not use them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pygltflib as gl

from bodyscan.errors import InputError
from bodyscan.files import OutputFile, write_atomic
from bodyscan.gltf.attributes import clean_influences, seamless_normals
from bodyscan.gltf.buffer import BufferPacker, smallest_index_dtype
from bodyscan.gltf.color import srgb8_to_linear16
from bodyscan.gltf.container import pack_glb
from bodyscan.gltf.metadata import (
    CONSENT_EXTENSION,
    KEY,
    XMP_EXTENSION,
    consent_extension,
    describe_twin,
    xmp_packet,
)
from bodyscan.types import F32, F64, Skeleton, Twin

JOINT_GRID_M = 2.0**-20
"""About 1 micrometre; exact in float32 for joints within 8 m of the origin."""
BODY_NODE, ARMATURE_NODE, FIRST_JOINT_NODE = 0, 1, 2


@dataclass(frozen=True)
class GltfOptions:
    """How a twin is written."""

    morphs: bool = True
    """Write the face shapes."""
    morph_normals: bool = True
    """Write a normal displacement for each face shape too: right light on moved skin, for twice the data."""
    morph_min_delta_m: float = 2e-6
    """Displacements shorter than this are left out, metres, 0 or more."""
    vertex_source: bool = True
    """Write `_BODY_VERTEX`, the body-topology vertex of each twin vertex (4 bytes a vertex)."""
    roughness: float = 0.6
    """Of the skin material, 0..1."""

    def __post_init__(self) -> None:
        if not 0 <= self.roughness <= 1:
            raise InputError(f"GltfOptions.roughness is {self.roughness}; give a value from 0 to 1.")
        if not (np.isfinite(self.morph_min_delta_m) and self.morph_min_delta_m >= 0):
            raise InputError(
                f"GltfOptions.morph_min_delta_m is {self.morph_min_delta_m}; give 0 or more metres."
            )


def twin_to_glb(twin: Twin, options: GltfOptions | None = None) -> bytes:
    """Return `twin` as the bytes of a GLB file. Same twin and options, same bytes.

    Raises `InputError` where the twin has no surface, or holds a value that glTF cannot.
    """
    options = options or GltfOptions()
    _check(twin)
    packer = BufferPacker()
    normals = seamless_normals(twin.rig.mesh.vertices, twin.rig.mesh.faces, twin.vertex_source)
    mesh = _mesh(twin, normals, packer, options)
    skeleton = twin.rig.skeleton
    count = len(skeleton.joint_names)
    skin = gl.Skin(
        name="skeleton",
        joints=list(range(FIRST_JOINT_NODE, FIRST_JOINT_NODE + count)),
        skeleton=FIRST_JOINT_NODE,
        inverseBindMatrices=packer.add("inverse bind matrices", _inverse_binds(skeleton)),
    )
    gltf = gl.GLTF2(
        asset=gl.Asset(version="2.0", generator=twin.provenance.software or "bodyscan"),
        scene=0,
        scenes=[gl.Scene(name="scene", nodes=[BODY_NODE, ARMATURE_NODE])],
        nodes=[
            gl.Node(name="body", mesh=0, skin=0),
            gl.Node(name="armature", children=[FIRST_JOINT_NODE]),
            *_joint_nodes(skeleton),
        ],
        meshes=[mesh],
        skins=[skin],
        materials=[_material(options)],
        accessors=packer.accessors,
        bufferViews=packer.views,
    )
    document = json.loads(gltf.gltf_to_json())
    return pack_glb(_with_metadata(document, twin, options), packer.to_bytes())


def write_glb(twin: Twin, path: str | Path, options: GltfOptions | None = None) -> OutputFile:
    """Write `twin` to `path` (parents must exist) and return the file. Nothing half-written is left behind.

    Raises `InputError` where the folder does not exist, cannot be written to, or has no room.
    """
    path = Path(path)
    data = twin_to_glb(twin, options)
    write_atomic(path, data)
    return OutputFile(path=path, size_bytes=len(data))


def _check(twin: Twin) -> None:
    mesh = twin.rig.mesh
    if mesh.is_cloud:
        raise InputError("The twin has no faces; a GLB twin needs a surface.")
    count = len(mesh.vertices)
    if twin.vertex_source.shape != (count,):
        raise InputError(
            f"Twin.vertex_source has the shape {twin.vertex_source.shape}; the mesh has {count} vertices."
        )
    if not len(twin.rig.skeleton.joint_names):
        raise InputError("The twin's skeleton has no joints.")
    names = [morph.name for morph in twin.morphs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"The twin has two morphs of the name {', '.join(twice)}; names must be unique.")
    for morph in twin.morphs:
        ids = morph.vertex_ids
        if len(ids) and (ids[0] < 0 or ids[-1] >= count or (np.diff(ids) <= 0).any()):
            raise InputError(
                f"The morph '{morph.name}' must name vertices 0 to {count - 1} once each, in ascending order."
            )


def _mesh(twin: Twin, normals: F32, packer: BufferPacker, options: GltfOptions) -> gl.Mesh:
    mesh = twin.rig.mesh
    count = len(mesh.vertices)
    joints, weights = clean_influences(twin.rig.joint_indices, twin.rig.joint_weights)
    joint_dtype = np.uint8 if len(twin.rig.skeleton.joint_names) <= 256 else np.uint16
    faces = np.ascontiguousarray(mesh.faces, dtype=smallest_index_dtype(count - 1)).ravel()

    def vertex_data(name: str, array: Any, **keywords: Any) -> int:
        return packer.add(name, np.ascontiguousarray(array), target=gl.ARRAY_BUFFER, **keywords)

    indices = packer.add("triangles", faces, target=gl.ELEMENT_ARRAY_BUFFER)
    attributes = gl.Attributes(
        POSITION=vertex_data("positions", mesh.vertices.astype(np.float32), bounds=True),
        NORMAL=vertex_data("normals", normals),
        JOINTS_0=vertex_data("joints", joints.astype(joint_dtype)),
        WEIGHTS_0=vertex_data("weights", weights),
    )
    if mesh.uvs is not None:
        attributes.TEXCOORD_0 = vertex_data("uvs", mesh.uvs)
    if mesh.colors is not None:
        opaque = np.full((count, 1), 65535, np.uint16)
        rgba = np.hstack([srgb8_to_linear16(mesh.colors), opaque])
        attributes.COLOR_0 = vertex_data("colors", rgba, normalized=True)
    if options.vertex_source:
        attributes._BODY_VERTEX = vertex_data(  # pyright: ignore[reportAttributeAccessIssue]
            "body vertices", twin.vertex_source.astype(np.float32)
        )
    targets: list[Any] = _targets(twin, normals, packer, options) if options.morphs else []
    primitive = gl.Primitive(
        attributes=attributes, indices=indices, material=0, mode=gl.TRIANGLES, targets=targets
    )
    return gl.Mesh(name="body", primitives=[primitive], weights=[0.0] * len(targets))


def _targets(twin: Twin, normals: F32, packer: BufferPacker, options: GltfOptions) -> list[dict[str, int]]:
    count = len(twin.rig.mesh.vertices)
    items = []
    for morph in twin.morphs:
        moved = np.linalg.norm(morph.deltas.astype(np.float64), axis=1) > options.morph_min_delta_m
        items.append((morph.name, morph.vertex_ids[moved], morph.deltas[moved]))
    targets = [{"POSITION": index} for index in packer.add_sparse_group(items, count, "morph positions")]
    if options.morph_normals:
        changes = [_normal_change(twin, normals, *item) for item in items]
        indices = packer.add_sparse_group(changes, count, "morph normals")
        targets = [target | {"NORMAL": index} for target, index in zip(targets, indices, strict=True)]
    return targets


def _normal_change(twin: Twin, normals: F32, name: str, ids: Any, deltas: F32) -> tuple[str, Any, F32]:
    mesh = twin.rig.mesh
    moved = np.array(mesh.vertices)
    moved[ids] += deltas
    change = seamless_normals(moved, mesh.faces, twin.vertex_source) - normals
    # A thousandth is less than a tenth of a degree.
    visible = np.flatnonzero(np.linalg.norm(change, axis=1) > 1e-3)
    return f"{name} normals", visible, change[visible]


def _inverse_binds(skeleton: Skeleton) -> F32:
    """Return (J, 16) float32, column-major: the joint frames are world-aligned in the bind pose."""
    matrices = np.tile(np.eye(4), (len(skeleton.joint_names), 1, 1))
    matrices[:, :3, 3] = -_exact_positions(skeleton)
    return matrices.transpose(0, 2, 1).reshape(-1, 16).astype(np.float32)


def _exact_positions(skeleton: Skeleton) -> F64:
    """Return joint positions on a grid on which float32 sums and differences are exact.

    Blender adds the joints up along the chain and moves each vertex by what is left of joint times inverse
    bind. On the grid nothing is left, so a file that went through Blender keeps the bits of its positions,
    and with them the consent's binding. Off the grid a quarter of the vertices moved by up to 3e-8 m.
    """
    return np.round(skeleton.positions / JOINT_GRID_M) * JOINT_GRID_M


def _joint_nodes(skeleton: Skeleton) -> list[gl.Node]:
    world = _exact_positions(skeleton)
    nodes = []
    for index, (name, parent) in enumerate(zip(skeleton.joint_names, skeleton.parents, strict=True)):
        local = world[index] - (world[parent] if parent >= 0 else 0.0)
        children = np.flatnonzero(skeleton.parents == index) + FIRST_JOINT_NODE
        nodes.append(
            gl.Node(
                name=name,
                # Adding 0 turns -0.0 into 0.0.
                translation=[float(x) for x in local + 0.0],
                children=[int(child) for child in children],
            )
        )
    return nodes


def _material(options: GltfOptions) -> gl.Material:
    return gl.Material(
        name="skin",
        doubleSided=False,
        alphaMode=gl.OPAQUE,
        alphaCutoff=None,
        pbrMetallicRoughness=gl.PbrMetallicRoughness(
            baseColorFactor=[1.0, 1.0, 1.0, 1.0],
            metallicFactor=0.0,
            roughnessFactor=options.roughness,
        ),
    )


def _with_metadata(document: dict[str, Any], twin: Twin, options: GltfOptions) -> dict[str, Any]:
    """Add extensions and extras. After pygltflib, which drops empty values anywhere in extras."""
    about = describe_twin(twin)
    document["extensionsUsed"] = [CONSENT_EXTENSION, XMP_EXTENSION]
    document["extensions"] = {
        CONSENT_EXTENSION: consent_extension(twin.consent),
        XMP_EXTENSION: {"packets": [xmp_packet(twin.consent, twin.provenance.software)]},
    }
    document["asset"]["extensions"] = {XMP_EXTENSION: {"packet": 0}}
    document["asset"]["extras"] = {KEY: about}
    document["nodes"][BODY_NODE]["extras"] = {KEY: {"consent": twin.consent, **about}}
    if options.morphs and twin.morphs:
        document["meshes"][0]["extras"] = {"targetNames": [morph.name for morph in twin.morphs]}
    return document
