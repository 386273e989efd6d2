"""Twins with all parts: images, levels of detail, a collision body, and a signed consent bound to each."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from bodyscan.consent import bind, seal
from bodyscan.consent.content import content_of
from bodyscan.consent.demo import make_demo_consent
from bodyscan.gltf.collision import merged_vertices
from bodyscan.types import Capsule, CollisionBody, Level, Mesh, Morph, Rig, SkinTextures, Twin
from gltf.shapes import small_twin

NOW = datetime(2026, 6, 1, tzinfo=UTC)
LIGHT, DARK = (220, 40, 40), (40, 60, 200)
"""sRGB bytes of the checker's fields."""
FIELDS = 16
"""Of the checker, on a side."""


def checker_textures(size: int = 64) -> SkinTextures:
    """Return a red and blue checker, normals of gentle waves, and roughness that grows down the image."""
    rows, columns = np.mgrid[:size, :size]
    odd = (rows * FIELDS // size + columns * FIELDS // size) % 2 == 1
    slope = 0.3 * np.sin(2 * np.pi * columns * 4 / size)
    normal = np.stack([slope, np.zeros_like(slope), np.ones_like(slope)], axis=-1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    return SkinTextures(
        albedo=np.where(odd[..., None], LIGHT, DARK).astype(np.uint8),
        normal=np.round((normal + 1) / 2 * 255).astype(np.uint8),
        roughness=(80 + 120 * rows // size).astype(np.uint8),
        seen_share=0.9,
    )


def with_consent(twin: Twin) -> Twin:
    """Return the twin with a demo record bound to each of its surfaces."""
    demo = make_demo_consent("Alba")

    def bound(rig: Rig, morphs: tuple[Morph, ...] = (), textures: SkinTextures | None = None) -> str:
        about = seal(content_of(rig, morphs, textures))
        return bind(demo.text, about, demo.controller_key, created_at=NOW, software="bodyscan test")

    collision = twin.collision
    return replace(
        twin,
        consent=bound(twin.rig, twin.morphs, twin.textures),
        levels=tuple(
            replace(level, consent=bound(level.rig, level.morphs, twin.textures)) for level in twin.levels
        ),
        collision=None if collision is None else replace(collision, consent=bound(collision.rig)),
    )


def with_parts(twin: Twin, *, size: int = 64) -> Twin:
    """Return the twin with images, two coarser levels and a collision body, and consents for all.

    The levels are the twin with some triangles left out, the collision body is the twin's surface with
    its seams welded.
    """
    return with_consent(
        replace(
            twin,
            textures=checker_textures(size),
            levels=(_thinned(twin, 2), _thinned(twin, 4)),
            collision=_welded(twin),
        )
    )


def complete_small_twin(size: int = 64) -> Twin:
    """Return the small twin with all parts."""
    return with_parts(small_twin(), size=size)


def _thinned(twin: Twin, every: int) -> Level:
    """Return a level with every n-th triangle and the vertices that those use."""
    rig = twin.rig
    used, faces = np.unique(rig.mesh.faces[::every], return_inverse=True)
    place = np.full(len(rig.mesh.vertices), -1)
    place[used] = np.arange(len(used))
    first = twin.morphs[0]
    kept = place[first.vertex_ids] >= 0
    uvs, colors = rig.mesh.uvs, rig.mesh.colors
    mesh = Mesh(
        rig.mesh.vertices[used],
        faces.reshape(-1, 3),
        None if uvs is None else uvs[used],
        None if colors is None else colors[used],
    )
    return Level(
        Rig(mesh, rig.skeleton, rig.joint_indices[used], rig.joint_weights[used]),
        twin.vertex_source[used],
        (replace(first, vertex_ids=place[first.vertex_ids[kept]], deltas=first.deltas[kept]),),
    )


def _welded(twin: Twin) -> CollisionBody:
    rig = twin.rig
    first = merged_vertices(rig.mesh.vertices)
    used, faces = np.unique(first[rig.mesh.faces], return_inverse=True)
    joints = rig.skeleton.joint_names
    arm = joints.index("leftUpperArm"), joints.index("leftLowerArm")
    start, end = (rig.skeleton.positions[joint] for joint in arm)
    return CollisionBody(
        Rig(
            Mesh(rig.mesh.vertices[used], faces.reshape(-1, 3)),
            rig.skeleton,
            rig.joint_indices[used],
            rig.joint_weights[used],
        ),
        capsules=(Capsule("leftUpperArm", start, end, 0.05, 0.04),),
    )
