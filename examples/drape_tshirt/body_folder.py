"""Reads a body folder as `bodyscan body-data` writes it, and checks that its consent belongs to the body."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import yaml

from bodyscan.consent import Purpose, Use, geometry_digest, require_bound_consent
from bodyscan.mark.info import MarkInfo
from bodyscan.mark.twin_id import mark_under


@dataclass(frozen=True)
class BodyFolder:
    """A person to be dressed."""

    name: str
    vertices: np.ndarray
    """(V, 3) metres, +Y up, facing +Z, all vertices of the body's topology."""
    faces: np.ndarray
    """(F, 3) the closed skin."""
    parameters: dict[str, float]
    """GarmentCode's names, centimetres and degrees."""
    measurements: dict[str, float]
    """Names of `docs/measurements.md`, centimetres."""
    landmarks: dict[str, np.ndarray]
    parts: dict[str, np.ndarray]
    mark: MarkInfo
    """What a picture of this person must say."""


def read_body_folder(folder: Path) -> BodyFolder:
    """Read a folder; `ConsentError` where its record does not cover it or belongs to another surface."""
    vertices, faces = _read_obj(folder / "body.obj")
    consent = (folder / "consent.json").read_text()
    use = Use(Purpose.VIRTUAL_TRY_ON)
    digest = geometry_digest(vertices.astype(np.float32), faces)
    require_bound_consent(consent, digest, use=use, now=datetime.now(UTC))
    taken = json.loads((folder / "measurements.json").read_text())["measurements"]
    places = json.loads((folder / "landmarks.json").read_text())["landmarks"]
    return BodyFolder(
        folder.name,
        vertices,
        faces,
        yaml.safe_load((folder / "body.yaml").read_text())["body"],
        {m["name"]: m["value_cm"] for m in taken},
        {name: np.array(place) for name, place in places.items()},
        {n: np.array(ids) for n, ids in json.loads((folder / "body_parts.json").read_text()).items()},
        mark_under(consent, use.purpose.value, "bodyscan, drape_tshirt example"),
    )


def write_obj(path: Path, vertices: np.ndarray, faces: np.ndarray, remark: str) -> None:
    """Write a mesh in metres."""
    lines = [f"# {remark}", *(f"v {x:.6f} {y:.6f} {z:.6f}" for x, y, z in vertices)]
    lines += [f"f {a} {b} {c}" for a, b, c in faces + 1]
    path.write_text("\n".join(lines) + "\n")


def _read_obj(path: Path) -> tuple[np.ndarray, np.ndarray]:
    rows = [line.split() for line in path.read_text().splitlines()]
    vertices = np.array([row[1:4] for row in rows if row[:1] == ["v"]], float)
    faces = np.array([row[1:4] for row in rows if row[:1] == ["f"]], np.int32) - 1
    return vertices, faces
