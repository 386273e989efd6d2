"""Dress people in a T-shirt: draft it from their measurements, sew it, let it fall, count what penetrates.

    python drape.py FOLDER [FOLDER ...] -o OUT

Each FOLDER is one that `bodyscan body-data` wrote. See README.md.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
from body_folder import read_body_folder, write_obj
from cloth import Body, Cloth, Skin, drape, start_positions
from pattern import tshirt
from picture import CLOTHS, dressed, save_pictures

CLEAR_M = 0.001
"""A vertex nearer to the skin than this counts as too near."""


def contact(skin: Skin, positions: np.ndarray, triangles: np.ndarray) -> dict[str, float]:
    """Shares in per cent and least clearance in mm, of the cloth's vertices and of its triangles' middles."""
    at_vertices = skin.distance(positions)
    middles = skin.distance(positions[triangles].mean(axis=1))
    return {
        "penetrating_vertices_percent": 100 * float((at_vertices < 0).mean()),
        "vertices_nearer_than_1_mm_percent": 100 * float((at_vertices < CLEAR_M).mean()),
        "least_clearance_mm": 1000 * float(at_vertices.min()),
        "penetrating_triangle_middles_percent": 100 * float((middles < 0).mean()),
        "least_clearance_of_middles_mm": 1000 * float(middles.min()),
    }


def stretch(positions: np.ndarray, garment) -> float:
    """Median over the cloth's triangles of their area against the pattern's."""

    def areas(points, triangles):
        a, b, c = (points[triangles[:, k]] for k in range(3))
        return np.linalg.norm(np.cross(b - a, c - a), axis=1)

    flat = np.column_stack([garment.flat_points, np.zeros(len(garment.flat_points))])
    return float(np.median(areas(positions, garment.triangles) / areas(flat, garment.flat_triangles)))


def main() -> int:
    """Read the arguments, dress everybody, write OUT; exit 1 where cloth penetrates a body."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT")
    parser.add_argument("--seconds", type=float, default=Cloth.seconds, help="simulated time")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    people, report = [], {}
    for number, folder in enumerate(arguments.folders):
        started = time.perf_counter(), time.process_time()
        body = read_body_folder(folder)
        garment = tshirt(body.parameters, body.measurements["upper_arm_girth"] / 100)
        ids, faces = np.unique(body.faces, return_inverse=True)
        trunk = np.isin(ids, body.parts["body"])
        solid = Body(body.vertices[ids], faces.reshape(-1, 3), trunk, body.landmarks)
        skin = Skin(solid)
        start = start_positions(garment, solid, skin)
        positions = drape(garment, start, solid, Cloth(seconds=arguments.seconds))
        found = contact(skin, positions, garment.triangles)
        found |= {
            "cloth_vertices": len(positions),
            "area_against_pattern": round(stretch(positions, garment), 4),
            "seconds": round(time.perf_counter() - started[0], 1),
            "cpu_seconds": round(time.process_time() - started[1], 1),
        }
        report[body.name] = found
        print(body.name, json.dumps(found, indent=1))
        remark = f"Synthetic: T-shirt on a digital twin. Consent record {body.mark.record_id}. Metres, +Y up."
        write_obj(arguments.output / f"{body.name}_tshirt.obj", positions, garment.triangles, remark)
        color = CLOTHS[number % len(CLOTHS)]
        people.append((body, dressed(body, positions, garment.triangles, color)))
    (arguments.output / "report.json").write_text(json.dumps(report, indent=1) + "\n")
    print(save_pictures(arguments.output, people))
    return int(any(found["penetrating_vertices_percent"] > 0 for found in report.values()))


if __name__ == "__main__":
    sys.exit(main())
