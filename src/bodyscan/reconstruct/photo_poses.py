"""Photos of a scan, brought to the world frame with it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bodyscan.types import F64, Photo


def photos_in_world(photos: tuple[Photo, ...], world_from_input: F64) -> tuple[Photo, ...]:
    """The same photos with poses in the world frame, metres.

    `world_from_input` (4, 4) is a similarity. A camera stays rigid: it turns with the scan, and where it
    stands is scaled; pictures and intrinsics know no unit.
    """
    linear = world_from_input[:3, :3]
    scale = float(np.cbrt(np.linalg.det(linear)))
    rotation, shift = linear / scale, world_from_input[:3, 3]
    moved = []
    for photo in photos:
        pose = np.eye(4)
        pose[:3, :3] = photo.camera_from_world[:3, :3] @ rotation.T
        pose[:3, 3] = scale * photo.camera_from_world[:3, 3] - pose[:3, :3] @ shift
        moved.append(replace(photo, camera_from_world=pose))
    return tuple(moved)
