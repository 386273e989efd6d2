"""Decodes KHR_draco_mesh_compression through DracoPy (the extra `draco`).

DracoPy carries Google's own decoder, as three.js and Blender do. The bitstream is too large to read in plain
numpy, so that a Draco file is the one kind of twin that the core package alone cannot verify.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bodyscan.errors import InputError, MissingExtraError


@dataclass(frozen=True, eq=False)
class DracoMesh:
    """What one compressed primitive holds."""

    faces: NDArray[np.int64]
    """(F, 3) int64."""
    attributes: Mapping[str, NDArray[Any]]
    """Attribute name -> (V, C) as stored: floats, or integers that the accessor may call normalised."""


def draco_module() -> Any:
    """Return the module DracoPy. Raises `MissingExtraError` where it is not installed."""
    try:
        import DracoPy
    except ImportError:
        raise MissingExtraError(
            "Draco meshes need DracoPy, which is not installed: run `pip install 'bodyscan[draco]'`, "
            "or pack with meshopt, which needs nothing."
        ) from None
    return DracoPy


def decode_draco(data: bytes, unique_ids: Mapping[str, int]) -> DracoMesh:
    """Return the triangles and the named attributes of a Draco stream.

    `unique_ids` maps attribute names to the ids of the stream, as the extension's `attributes` do. Raises
    `InputError` where the stream is damaged or lacks an attribute, `MissingExtraError` without DracoPy.
    """
    module = draco_module()
    try:
        mesh = module.decode(data)
        faces = np.asarray(mesh.faces, np.int64).reshape(-1, 3)
        attributes = {
            name: np.array(mesh.get_attribute_by_unique_id(int(index))["data"])
            for name, index in unique_ids.items()
        }
    except (MemoryError, Exception) as error:
        raise InputError(f"The file's Draco data is damaged: {type(error).__name__}: {error}.") from None
    return DracoMesh(faces=faces, attributes=attributes)
