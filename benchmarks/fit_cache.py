"""Keeps simulated scans with their truth, so that simulation is paid once.

The name of a file is a digest of everything that the scan depends on: the person's surface and joints, the
plan, the scanner's options, and the code and body that simulate. Nobody has to remember to empty the folder.
"""

from __future__ import annotations

import ast
import hashlib
import json
from dataclasses import asdict, fields
from functools import cache
from importlib.metadata import version
from pathlib import Path

import numpy as np
from fit_cases import CONDITIONS, FRAMES, Case, Plan, scan_options, scan_person
from fit_people import Person
from fit_poses import POSES
from fit_truth import Truth

import bodyscan
from bodyscan.files import write_atomic
from bodyscan.types import Mesh

HERE, SOURCE = Path(__file__).parent, Path(bodyscan.__file__).parent
CODE = (
    *sorted((SOURCE / "simulate").glob("*.py")),
    *(SOURCE / "geometry" / f"{name}.py" for name in (
        "cells", "components", "decimate", "edges", "normals", "raycast", "rotations", "sampling", "view",
        "weld",
    )),
    *(SOURCE / "body" / f"{name}.py" for name in ("asset", "model", "poses")),
    *(HERE / f"{name}.py" for name in ("fit_cases", "fit_people", "fit_poses", "fit_truth")),
)  # fmt: skip
PACKAGES = ("numpy", "scipy", "open3d-cpu", "open3d")
ROUNDED = ("points", "skin_points")
"""Kept as float32: a tenth of a micrometre."""


@cache
def code_digest() -> str:
    """Of the code that simulates (comments and layout left out), the packaged body and the packages."""
    digest = hashlib.sha256()
    for path in CODE:
        digest.update(ast.dump(ast.parse(path.read_text())).encode())
    digest.update((SOURCE / "body" / "data" / "body.npz").read_bytes())
    for name in PACKAGES:
        digest.update(f"{name} {_version(name)}".encode())
    return digest.hexdigest()


def _version(name: str) -> str:
    try:
        return version(name)
    except ModuleNotFoundError:
        return "none"


def case_digest(person: Person, plan: Plan, seed: int, num_faces: int) -> str:
    digest = hashlib.sha256(code_digest().encode())
    digest.update(person.age.encode())
    digest.update(np.ascontiguousarray(person.model.template).tobytes())
    digest.update(np.ascontiguousarray(person.model.joint_template).tobytes())
    told = (
        asdict(plan), scan_options(plan, person.age, seed, num_faces).as_dict(), FRAMES[plan.frame],
        asdict(CONDITIONS[plan.condition]), asdict(POSES[plan.pose]),
    )  # fmt: skip
    digest.update(json.dumps(told, sort_keys=True).encode())
    return digest.hexdigest()


def load_or_scan(person: Person, plan: Plan, seed: int, num_faces: int, folder: Path | None) -> Case:
    """The case from `folder` where it is there, else simulated and put there."""
    if folder is None:
        return scan_person(person, plan, seed, num_faces)
    name = f"{plan.number:02d}_{plan.condition}_{plan.pose}_{num_faces}"
    path = folder / f"{name}_{case_digest(person, plan, seed, num_faces)[:20]}.npz"
    if path.exists():
        return _read(path, person, plan)
    folder.mkdir(parents=True, exist_ok=True)
    _write(path, scan_person(person, plan, seed, num_faces))
    # Read back, so that a first run and a rerun see the same numbers to the last bit.
    return _read(path, person, plan)


def _write(path: Path, case: Case) -> None:
    import io

    arrays = {f"truth_{f.name}": getattr(case.truth, f.name) for f in fields(Truth)}
    for name in ROUNDED:
        arrays[f"truth_{name}"] = arrays[f"truth_{name}"].astype(np.float32)
    buffer = io.BytesIO()
    np.savez(
        buffer,
        vertices=case.scan.vertices.astype(np.float32),
        faces=case.scan.faces,
        colors=np.asarray(case.scan.colors),
        world_from_file=case.world_from_file,
        **arrays,
    )
    write_atomic(path, buffer.getvalue())


def _read(path: Path, person: Person, plan: Plan) -> Case:
    with np.load(path, allow_pickle=False) as data:
        truth = Truth(**{f.name: data[f"truth_{f.name}"] for f in fields(Truth)})
        scan = Mesh(data["vertices"], data["faces"], colors=data["colors"])
        return Case(person, plan, scan, data["world_from_file"], truth)
