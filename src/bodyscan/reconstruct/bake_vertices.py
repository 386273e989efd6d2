"""A texture's colours at the vertices."""

from __future__ import annotations

from bodyscan.errors import InputError
from bodyscan.geometry.image_lookup import sample_image
from bodyscan.types import Mesh, Texture


def bake_texture_to_vertices(mesh: Mesh, texture: Texture) -> Mesh:
    """Return `mesh` with the texture's colour at each vertex, without uvs.

    After this, vertices that a texture seam doubled may be joined without loss. Detail finer than the
    triangles is lost. Raises `InputError` where the mesh has no uvs.
    """
    if mesh.uvs is None:
        raise InputError("The mesh has a texture and no uvs to look it up with; leave the texture out.")
    colors = sample_image(texture.image, mesh.uvs)
    return Mesh(vertices=mesh.vertices, faces=mesh.faces, colors=colors, normals=mesh.normals)
