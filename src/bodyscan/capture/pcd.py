"""PCD point clouds (ascii, binary, binary_compressed) by Open3D."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from bodyscan.capture.parts import Parsed, Part
from bodyscan.errors import InputError


def read_pcd(path: Path) -> Parsed:
    """Return the points of a PCD file with colours and normals; empty cells of a depth image are dropped."""
    with path.open("rb") as file:
        head = file.read(4096)
    data = re.search(rb"(?m)^DATA\s+(\S+)", head)
    points = re.search(rb"(?m)^POINTS\s+(\d+)", head)
    fields = re.search(rb"(?m)^FIELDS\s+([^\r\n]+)", head)
    if data is None or points is None or fields is None:
        raise InputError(f"{path.name} is not a PCD file: its header lacks FIELDS, POINTS or DATA.")
    if not {b"x", b"y", b"z"} <= set(fields[1].split()):
        raise InputError(f"{path.name} has no positions: the PCD fields x, y, z are missing.")
    if data[1] == b"ascii":  # Open3D fills up missing lines with zeros
        found = sum(1 for line in path.read_bytes()[data.end() :].splitlines() if line.strip())
        _require(path, int(points[1]), found)
    import open3d as o3d

    with o3d.utility.VerbosityContextManager(o3d.utility.VerbosityLevel.Error):
        cloud = o3d.io.read_point_cloud(str(path), remove_nan_points=False, remove_infinite_points=False)
    vertices = np.asarray(cloud.points)
    _require(path, int(points[1]), len(vertices))
    part = Part(vertices, np.zeros((0, 3), np.int32))
    if cloud.has_colors():
        part.colors = np.clip(np.rint(np.asarray(cloud.colors) * 255), 0, 255).astype(np.uint8)
    if cloud.has_normals():
        part.normals = np.asarray(cloud.normals)
    return Parsed([part])


def _require(path: Path, promised: int, found: int) -> None:
    if found < promised:
        raise InputError(
            f"{path.name} is truncated or damaged: its header promises {promised} points and "
            f"{found} could be read. Copy it again."
        )
