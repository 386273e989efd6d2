"""A twin's levels of detail and its collision body, each as the bytes of a file of its own."""

from __future__ import annotations

from bodyscan.gltf.container import pack_glb
from bodyscan.gltf.document import collision_part, level_part, part_document
from bodyscan.gltf.options import GltfOptions
from bodyscan.types import Twin


def level_to_glb(twin: Twin, index: int, options: GltfOptions | None = None) -> bytes:
    """Return level of detail `index` as GLB bytes: 0 is the twin itself, 1 the first of `twin.levels`.

    Same skeleton and material as the twin, images halved once a level, the level's own consent. Raises
    `InputError` where there is no such level, and as `bodyscan.gltf.document.part_document`.
    """
    return pack_glb(*part_document(level_part(twin, index), twin, options or GltfOptions()))


def collision_to_glb(twin: Twin, options: GltfOptions | None = None) -> bytes:
    """Return the collision body as GLB bytes: skinned, grey, no images and no face shapes.

    `EXT_mesh_manifold` is declared where the surface is closed; the capsules stand in the extras. Raises
    `InputError` where the twin has no collision body, and as `bodyscan.gltf.document.part_document`.
    """
    return pack_glb(*part_document(collision_part(twin), twin, options or GltfOptions()))
