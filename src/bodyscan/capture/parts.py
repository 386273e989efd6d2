"""The pieces of one file, and how they become one mesh."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bodyscan.errors import InputError
from bodyscan.geometry.image_lookup import sample_image
from bodyscan.types import Mesh, Texture

MIN_CLOUD_POINTS = 100
"""A cloud with fewer points than this shows nothing."""

_PLAIN = np.array([200, 200, 200], dtype=np.uint8)


@dataclass
class Part:
    """One piece of a file's geometry with one material."""

    vertices: NDArray[np.float64]
    """(N, 3) file units; may hold NaN."""
    faces: NDArray[np.integer]
    """(M, 3), (0, 3) for a cloud."""
    uvs: NDArray[np.floating] | None = None
    """(N, 2), origin at the image's top left."""
    colors: NDArray[np.uint8] | None = None
    """(N, 3) sRGB."""
    normals: NDArray[np.floating] | None = None
    """(N, 3)."""
    texture: Texture | None = None
    material_rgb: NDArray[np.uint8] | None = None
    """(3,) sRGB colour of the material, where it is neither white nor unknown."""
    confidence: NDArray[np.float32] | None = None
    """(N,) 0..1: how far the file says that each vertex can be trusted."""


@dataclass
class Parsed:
    """What a format's reader found."""

    parts: list[Part]
    notes: list[str] = field(default_factory=list)


def _part_colors(part: Part) -> NDArray[np.uint8] | None:
    if part.texture is not None and part.uvs is not None:
        return sample_image(part.texture.image, part.uvs)
    if part.colors is not None:
        return part.colors
    if part.material_rgb is not None:
        return np.tile(part.material_rgb, (len(part.vertices), 1))
    return None


def _join_appearance(
    parts: list[Part], notes: list[str]
) -> tuple[NDArray[np.floating] | None, NDArray[np.uint8] | None, Texture | None]:
    """Return uvs, colours and texture for all parts together."""
    textures = {id(p.texture): p.texture for p in parts if p.texture is not None and p.uvs is not None}
    all_mapped = all(p.uvs is not None for p in parts)
    shared = len(textures) == 1 and all(p.texture is not None for p in parts) and all_mapped
    if shared or (not textures and all_mapped):
        uvs = np.concatenate([p.uvs for p in parts if p.uvs is not None])
        texture = next(iter(textures.values()), None)
        has_color = all(p.colors is not None for p in parts)
        colors = np.concatenate([p.colors for p in parts if p.colors is not None]) if has_color else None
        if colors is not None or texture is not None:
            return uvs, colors, texture
    per_part = [_part_colors(p) for p in parts]
    if textures:
        notes.append(
            f"{len(parts)} materials with {len(textures)} images were turned into one colour a vertex."
        )
    if all(c is None for c in per_part):
        uvs = np.concatenate([p.uvs for p in parts if p.uvs is not None]) if all_mapped else None
        return uvs, None, None
    filled = [
        np.tile(_PLAIN, (len(p.vertices), 1)) if c is None else c
        for p, c in zip(parts, per_part, strict=True)
    ]
    return None, np.concatenate(filled), None


@dataclass(frozen=True, eq=False)
class Joined:
    """One file's geometry as one mesh."""

    mesh: Mesh
    texture: Texture | None
    notes: tuple[str, ...]
    confidence: NDArray[np.float32] | None
    """(V,) 0..1, or None where the file does not say."""


def join_parts(parsed: Parsed, name: str) -> Joined:
    """Return one mesh with what belongs to it; vertices that are not finite are dropped.

    Raises `InputError` where there is no geometry, an index points nowhere or no vertex is finite.
    """
    parts = [p for p in parsed.parts if len(p.vertices)]
    notes = list(parsed.notes)
    if not parts:
        raise InputError(f"{name} holds no vertices: there is nothing to read. Export the scan again.")
    offsets = np.cumsum([0] + [len(p.vertices) for p in parts])
    for part in parts:
        if len(part.faces) and (part.faces.min() < 0 or part.faces.max() >= len(part.vertices)):
            raise InputError(
                f"{name} is damaged: a face names vertex {_outside(part)} "
                f"and there are {len(part.vertices)}. Export the scan again."
            )
    vertices = np.concatenate([np.asarray(p.vertices, np.float64) for p in parts])
    faces = np.concatenate(
        [p.faces.astype(np.int32) + np.int32(o) for p, o in zip(parts, offsets, strict=False)]
    )
    uvs, colors, texture = _join_appearance(parts, notes)
    has_normals = all(p.normals is not None for p in parts)
    normals = np.concatenate([p.normals for p in parts if p.normals is not None]) if has_normals else None
    trusts = [p.confidence for p in parts if p.confidence is not None]
    confidence = np.concatenate(trusts) if len(trusts) == len(parts) else None
    finite = np.isfinite(vertices).all(axis=1)
    if not finite.any():
        raise InputError(f"{name} has no usable vertex: all {len(vertices)} positions are NaN or infinite.")
    if not finite.all():
        notes.append(f"{int((~finite).sum())} of {len(vertices)} vertices were dropped: NaN or infinite.")
        new_index = np.cumsum(finite, dtype=np.int32) - 1
        faces = new_index[faces[finite[faces].all(axis=1)]]
        vertices = vertices[finite]
        uvs = None if uvs is None else uvs[finite]
        colors = None if colors is None else colors[finite]
        normals = None if normals is None else normals[finite]
        confidence = None if confidence is None else confidence[finite]
    if len(faces) == 0 and len(vertices) < MIN_CLOUD_POINTS:
        raise InputError(
            f"{name} holds no faces and {len(vertices)} points; a cloud of a person needs "
            f"at least {MIN_CLOUD_POINTS}."
        )
    mesh = Mesh(
        vertices=vertices,
        faces=faces,
        uvs=None if uvs is None else np.nan_to_num(uvs).astype(np.float32),
        colors=colors,
        normals=_unit_normals(normals, notes),
    )
    return Joined(mesh, texture, tuple(notes), confidence)


def _outside(part: Part) -> int:
    lowest = int(part.faces.min())
    return lowest if lowest < 0 else int(part.faces.max())


def _unit_normals(normals: NDArray[np.floating] | None, notes: list[str]) -> NDArray[np.float32] | None:
    if normals is None:
        return None
    length = np.linalg.norm(normals, axis=1)
    good = np.isfinite(length) & (length > 1e-12)
    if good.mean() < 0.5:
        notes.append("The normals in the file are zero or NaN for most vertices and were left out.")
        return None
    safe = np.where(good, length, 1.0)[:, None]
    return np.where(good[:, None], normals / safe, 0.0).astype(np.float32)
