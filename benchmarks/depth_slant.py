"""How far the points of a depth frame lie outside the skin, by how flatly the camera sees it.

    python benchmarks/depth_slant.py                          an Azure Kinect, the range error left out
    python benchmarks/depth_slant.py --sensor kinect-v2
    python benchmarks/depth_slant.py --record                 and keep the table in benchmarks/results/

Each pixel's ray is cast at the true surface: that slant is what the camera truly had. `outside` is the mean
distance of the point from where its ray meets the skin, towards the camera, times the cosine; `normal` is the
slant that the point's own normal tells. The range error is the same head on, and is found by other means.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from itertools import pairwise

import numpy as np
from depth_cases import person
from depth_record import RESULTS, write_rows

from bodyscan import __version__
from bodyscan.fit.detail import face_normals
from bodyscan.geometry.raycast import Raycaster
from bodyscan.reconstruct.depth.points import frame_points
from bodyscan.simulate import depth_sensors
from bodyscan.simulate.depth import simulate_depth
from bodyscan.simulate.depth_options import DepthRigOptions
from bodyscan.types import F64

EDGES_DEG = (0, 30, 45, 55, 60, 65, 70, 75, 80, 85)
FARTHEST_M = 0.03
"""Farther from the skin a pixel saw something else."""


def main() -> None:
    """Simulate, cast, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sensor", default="azure-kinect")
    parser.add_argument("--frames", type=int, default=16)
    parser.add_argument("--people", type=int, default=2)
    parser.add_argument("--record", action="store_true", help="keep the table in benchmarks/results/")
    given = parser.parse_args()
    models = depth_sensors.MODELS
    models[given.sensor] = replace(models[given.sensor], wiggle_m=0.0)
    points = np.concatenate([seen(number, given.sensor, given.frames) for number in range(given.people)])
    print(f"{'slant':>8}{'points':>9}{'outside mm':>12}{'scatter mm':>12}{'normal deg':>12}")
    table = []
    for low, high in pairwise(EDGES_DEG):
        slant, outside_m, own = points[(points[:, 0] >= low) & (points[:, 0] < high)].T
        if not len(slant):
            continue
        row = {
            "version": __version__, "sensor": given.sensor, "slant_from_deg": low, "slant_to_deg": high,
            "points": len(slant), "outside_mm": 1000 * outside_m.mean(),
            "scatter_mm": 1000 * outside_m.std(), "normal_deg": own.mean(),
        }  # fmt: skip
        table.append(row)
        print(
            f"{low:>4}..{high:<2}{len(slant):>9}{row['outside_mm']:>12.2f}{row['scatter_mm']:>12.2f}"
            f"{row['normal_deg']:>12.0f}"
        )
    if given.record:
        write_rows(RESULTS / "depth_slant.csv", table, list(table[0]))


def seen(number: int, sensor: str, frames: int) -> F64:
    """(N, 3) of a turn's points: true slant (degrees), distance outside (metres), own slant (degrees)."""
    made = simulate_depth(person(number), DepthRigOptions(sensor=sensor, frames=frames, background="none"))
    truth = made.truth.surface()
    skin, rows = Raycaster(truth), []
    normals = face_normals(truth.vertices, truth.faces)
    for frame, pose in zip(made.frames, made.truth.world_from_camera, strict=True):
        found = frame_points(frame, frame.depth_m > 0, sensor)
        far = np.linalg.norm(found.points, axis=1)
        rays = found.points / far[:, None]
        ways = rays @ pose[:3, :3].T
        hits = skin.cast(np.broadcast_to(pose[:3, 3], rays.shape), ways)
        before = hits.distance - far
        used = np.isfinite(before) & (np.abs(before) < FARTHEST_M)
        there = normals[hits.face_ids[used]]
        cosine = np.abs(np.einsum("nk,nk->n", ways[used], there))
        own = -np.einsum("nk,nk->n", rays[used], found.normals[used])
        slants = np.degrees(np.arccos(np.clip([cosine, own], -1, 1)))
        rows.append(np.column_stack([slants[0], before[used] * cosine, slants[1]]))
    return np.concatenate(rows)


if __name__ == "__main__":
    main()
