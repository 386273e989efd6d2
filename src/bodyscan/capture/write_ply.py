"""A mesh or cloud -> the bytes of a binary PLY file, always the same for the same values.

Layout after Turk, "The PLY Polygon File Format" (1994), little-endian. Normals are `nx ny nz` and trust is
`confidence`, the names that Stanford's and most scanners' files have.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bodyscan.errors import InputError
from bodyscan.types import F32, Mesh, frozen_array


def ply_bytes(mesh: Mesh, *, confidence: F32 | None = None, comments: Sequence[str] = ()) -> bytes:
    """Return `mesh` as a PLY file: float32 positions in the mesh's own unit, what else it has, its faces.

    Written are normals (float32) where the mesh has any, colours (uint8) likewise, and `confidence` (V,)
    float32, 0..1. `comments` are single lines of ASCII for the header. Raises `InputError` for another
    comment, or a confidence that does not fit the mesh.
    """
    count = len(mesh.vertices)
    fields: list[tuple] = [("xyz", "<f4", 3)]
    values: dict[str, np.ndarray] = {"xyz": mesh.vertices}
    lines = ["ply", "format binary_little_endian 1.0", *(f"comment {_checked(line)}" for line in comments)]
    lines += [f"element vertex {count}", *(f"property float {axis}" for axis in "xyz")]
    if mesh.normals is not None:
        fields.append(("normal", "<f4", 3))
        values["normal"] = mesh.normals
        lines += [f"property float n{axis}" for axis in "xyz"]
    if mesh.colors is not None:
        fields.append(("rgb", "u1", 3))
        values["rgb"] = mesh.colors
        lines += [f"property uchar {name}" for name in ("red", "green", "blue")]
    if confidence is not None:
        fields.append(("confidence", "<f4"))
        values["confidence"] = frozen_array("confidence", confidence, np.float32, (count,))
        lines.append("property float confidence")
    lines += [f"element face {len(mesh.faces)}", "property list uchar int vertex_indices", "end_header\n"]
    vertices = np.empty(count, fields)
    for name, value in values.items():
        vertices[name] = value
    faces = np.empty(len(mesh.faces), [("count", "u1"), ("ids", "<i4", 3)])
    faces["count"], faces["ids"] = 3, mesh.faces
    return "\n".join(lines).encode("ascii") + vertices.tobytes() + faces.tobytes()


def _checked(line: str) -> str:
    if not (line.isascii() and line.isprintable()):
        raise InputError(f"A comment in a PLY file is one line of ASCII; it cannot be {line!r}.")
    return line
