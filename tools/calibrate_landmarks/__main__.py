"""Builds `src/bodyscan/body/data/landmarks.npz`: where a detector's points lie on the body.

Run from the repository's root:

    python tools/calibrate_landmarks

Made people of both ages in many poses are shown to the detector, as a scan is; what it finds is regressed
onto joints and vertices of the body's topology. Named points of the anatomy are found on the mean body by
geometry. It takes about four minutes. `--samples FILE` keeps what
the detector found, so that the regression can be tried again in seconds.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import anatomy
import collect
import numpy as np
import regression

from bodyscan.body.asset import load_body_model
from bodyscan.body.model import BodyModel
from bodyscan.geometry.raycast import Raycaster
from bodyscan.types import Mesh

ASSET = Path("src/bodyscan/body/data/landmarks.npz")


def samples_from(path: Path | None, people: int) -> dict[str, np.ndarray]:
    if path is not None and path.exists():
        with np.load(path, allow_pickle=False) as data:
            return dict(data)
    samples = collect.collect(people)
    if path is not None:
        np.savez_compressed(path, **samples)
    return samples


def detector_rows(model: BodyModel, samples: dict[str, np.ndarray]) -> dict[str, regression.Row]:
    """One row for each landmark that was seen on enough people."""
    rules = regression.joint_rules()
    names = collect.names()
    columns = {name: k for k, name in enumerate(names)}
    skin_faces = np.asarray(model.faces)[~model.inner[model.faces].any(axis=1)]
    casters = [Raycaster(Mesh(vertices, skin_faces)) for vertices in samples["vertices"]]
    rows = {}
    for name in names:
        side, _, part = name.partition("_")
        if part in rules:
            pair = {s: columns[f"{s}_{part}"] for s in ("left", "right")}
            row = regression.joint_row(model, rules[part], side, samples, pair)
        else:
            row = regression.surface_row(model, casters, skin_faces, samples, columns[name])
        if row is not None:
            rows[name] = row
    return rows


def arrays(model: BodyModel, which: str, rows: dict[str, regression.Row]) -> dict[str, np.ndarray]:
    """The arrays of one table, as `bodyscan.body.landmarks` reads them."""
    stored = {
        f"{which}_names": np.array(list(rows)),
        f"{which}_sigma_m": np.array([row.sigma_m for row in rows.values()], dtype=np.float32),
        "num_vertices": np.array(model.num_vertices),
        "num_joints": np.array(model.num_joints),
    }
    for over, matrix in zip(
        ("vertices", "joints"), regression.stacked(list(rows.values()), model), strict=True
    ):
        for key in ("data", "indices", "indptr"):
            stored[f"{which}_{over}_{key}"] = getattr(matrix, key)
    return stored


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=Path, help="where to keep or find what the detector found (.npz)")
    parser.add_argument("--people", type=int, default=collect.PEOPLE_PER_AGE, help="people of each age")
    options = parser.parse_args()
    model = load_body_model("adult")
    rows = detector_rows(model, samples_from(options.samples, options.people))
    body = anatomy.body_rows(model, rows)
    np.savez_compressed(ASSET, **(arrays(model, "detector", rows) | arrays(model, "body", body)))
    for name, row in rows.items():
        if not name.startswith("face_"):
            print(f"{name:20s} {1000 * row.sigma_m:5.1f} mm")
    faces = [row.sigma_m for name, row in rows.items() if name.startswith("face_")]
    print(
        f"{len(faces)} face points: median {1000 * np.median(faces):.1f} mm, worst {1000 * max(faces):.1f} mm"
    )


if __name__ == "__main__":
    main()
