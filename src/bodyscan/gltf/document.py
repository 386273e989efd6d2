"""One surface of a twin -> a glTF document and its binary.

What readers of the wild do decided the form (`docs/formats.md` has the table): uncompressed, metres,
the armature at identity, joint nodes that only translate unless the target wants turned frames, float32
weights (some readers scale normalised byte weights wrongly), four influences, the skinned mesh at the root of
the scene.

Morph normals are on. For the 52 shapes of the packaged body they take the file from 1.9 to 2.7 MB and
the writing from 0.02 to 0.3 s. Without them three.js lights a puffed cheek as if it were flat: the shape
can hardly be seen from the front. Blender and trimesh do not use them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bodyscan.errors import ConsentError, InputError
from bodyscan.gltf.buffer import BufferPacker
from bodyscan.gltf.collision import (
    MANIFOLD_EXTENSION,
    capsule_extras,
    manifold_extension,
    merged_vertices,
)
from bodyscan.gltf.material import grey_material, skin_material
from bodyscan.gltf.metadata import (
    CONSENT_EXTENSION,
    KEY,
    XMP_EXTENSION,
    consent_extension,
    describe_twin,
    xmp_packet,
)
from bodyscan.gltf.options import GltfOptions
from bodyscan.gltf.skeleton_nodes import TargetSkeleton, inverse_binds, joint_nodes, target_skeleton
from bodyscan.gltf.surface import body_mesh, check_surface
from bodyscan.gltf.targets import load_target
from bodyscan.gltf.vrm import vrm_extensions
from bodyscan.twin.visemes import PREFIX as VISEME_PREFIX
from bodyscan.types import I32, Morph, Rig, Twin

BODY_NODE, ARMATURE_NODE, FIRST_JOINT_NODE = 0, 1, 2


@dataclass(frozen=True, eq=False)
class Part:
    """A surface of a twin that becomes a file: the twin itself, a level of detail, or the collision body."""

    rig: Rig
    vertex_source: I32
    """(V,) int32, the body-topology vertex that each was split from."""
    morphs: tuple[Morph, ...]
    consent: str
    """The signed record, bound to this surface."""
    level: int = 0
    """Of detail; 0 is the twin itself."""
    is_collision: bool = False


def twin_part(twin: Twin) -> Part:
    """Return the twin's own surface as a part."""
    return Part(twin.rig, twin.vertex_source, twin.morphs, twin.consent)


def level_part(twin: Twin, index: int) -> Part:
    """Return level of detail `index`, 0 for the twin itself. Raises `InputError` where there is none."""
    if index == 0:
        return twin_part(twin)
    if not 0 <= index <= len(twin.levels):
        raise InputError(f"The twin has no level of detail {index}; its levels are 0 to {len(twin.levels)}.")
    level = twin.levels[index - 1]
    return Part(level.rig, level.vertex_source, level.morphs, level.consent, level=index)


def collision_part(twin: Twin) -> Part:
    """Return the collision body as a part. Raises `InputError` where the twin has none."""
    body = twin.collision
    if body is None:
        raise InputError("The twin has no collision body; make it with one.")
    # Copies of a split vertex count as one, so that the normals do not show the split.
    source = merged_vertices(body.rig.mesh.vertices)
    return Part(body.rig, source, (), body.consent, is_collision=True)


def part_document(part: Part, twin: Twin, options: GltfOptions) -> tuple[dict[str, Any], bytes]:
    """Return the glTF document of a part and its one buffer. Same twin, part and options, same result.

    Raises `InputError` where the part has no surface, does not stand on the twin's skeleton or in the pose
    that the target wants, or holds a value that glTF cannot; `ConsentError` where no consent is bound to it.
    """
    target = load_target(options.target)
    check_surface(part.rig, part.vertex_source, part.morphs)
    if not target.viseme_shapes:
        kept = (morph for morph in part.morphs if not morph.name.startswith(VISEME_PREFIX))
        part = replace(part, morphs=tuple(kept))
    _check_belongs(part, twin)
    target.require_pose(twin.pose)
    packer = BufferPacker()
    skeleton = target_skeleton(twin.rig.skeleton, target)
    textures = twin.textures if options.textures and target.textures and not part.is_collision else None
    mesh = body_mesh(
        part.rig,
        part.vertex_source,
        part.morphs,
        packer,
        options,
        first_joint=skeleton.first,
        # Vertex colours would be multiplied with the image.
        colors=textures is None and not part.is_collision,
        source=not part.is_collision,
        tangents=textures is not None and textures.normal is not None and target.tangents,
    )
    joints = range(FIRST_JOINT_NODE, FIRST_JOINT_NODE + len(skeleton.names))
    skin = {
        "name": "skeleton",
        "joints": list(joints),
        "skeleton": FIRST_JOINT_NODE,
        "inverseBindMatrices": packer.add("inverse bind matrices", inverse_binds(skeleton)),
    }
    if part.is_collision:
        materials = grey_material()
        surface = part.rig.mesh
        manifold = manifold_extension(mesh["primitives"][0], surface.vertices, surface.faces, packer)
        if manifold is not None:
            mesh["extensions"] = {MANIFOLD_EXTENSION: manifold}
    else:
        materials = skin_material(textures, part.rig.mesh.uvs, part.level, packer, options)
    document = {
        "asset": {"version": "2.0", "generator": twin.provenance.software or "bodyscan"},
        "scene": 0,
        "scenes": [{"name": "scene", "nodes": [BODY_NODE, ARMATURE_NODE]}],
        "nodes": [
            {"name": "body", "mesh": 0, "skin": 0},
            {"name": "armature", "children": [FIRST_JOINT_NODE]},
            *joint_nodes(skeleton, FIRST_JOINT_NODE),
        ],
        "meshes": [mesh],
        "skins": [skin],
        **materials,
        **packer.to_document(),
    }
    _add_metadata(document, part, twin, skeleton, options)
    return document, packer.to_bytes()


def _check_belongs(part: Part, twin: Twin) -> None:
    what = "collision body" if part.is_collision else f"level of detail {part.level}"
    ours, theirs = twin.rig.skeleton, part.rig.skeleton
    if ours.joint_names != theirs.joint_names or not np.allclose(
        ours.positions, theirs.positions, rtol=0, atol=1e-6
    ):
        raise InputError(f"The {what} stands on another skeleton than the twin; rig it on the twin's.")
    if not part.consent:
        raise ConsentError(
            f"No consent is bound to the {what}: a record that is not bound could be put on anybody. "
            "Make the twin with assemble_twin, which binds it."
        )


def _add_metadata(
    document: dict[str, Any], part: Part, twin: Twin, skeleton: TargetSkeleton, options: GltfOptions
) -> None:
    about = describe_twin(twin) | {"target": options.target}
    if twin.levels and not part.is_collision:
        triangles = len(part.rig.mesh.faces)
        about["level"] = {"index": part.level, "triangles": triangles, "of": len(twin.levels) + 1}
    if part.is_collision:
        about["part"] = "collision"
    capsules = []
    if twin.collision is not None and twin.collision.capsules:
        capsules = capsule_extras(twin.collision.capsules, twin.rig.skeleton, skeleton)
        about["capsules"] = capsules
    extensions: dict[str, Any] = {
        CONSENT_EXTENSION: consent_extension(part.consent),
        XMP_EXTENSION: {"packets": [xmp_packet(part.consent, twin.provenance.software)]},
    }
    if options.target == "vrm" and not part.is_collision:
        extensions |= vrm_extensions(
            twin,
            part.consent,
            skeleton,
            [morph.name for morph in part.morphs] if options.morphs else [],
            capsules,
            body_node=BODY_NODE,
            first_joint_node=FIRST_JOINT_NODE,
        )
    used = [*extensions, *document["meshes"][0].get("extensions", {})]
    document["extensionsUsed"] = used
    document["extensions"] = extensions
    document["asset"]["extensions"] = {XMP_EXTENSION: {"packet": 0}}
    document["asset"]["extras"] = {KEY: about}
    document["nodes"][BODY_NODE]["extras"] = {KEY: {"consent": part.consent, **about}}
