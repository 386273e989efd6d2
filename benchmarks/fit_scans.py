"""Bodies that a user gives to `benchmarks/fit.py --scans DIR`: what can be said about each without its truth.

Three kinds of files are read: `.obj` with tape measurements beside it (`.yaml`, centimetres), plain `.obj`,
and rigged avatars in `.npz` (vertices in metres, faces, joint_positions or joints, joint_names or names).
The joints of another rig are not ours: its wrist or hip stands elsewhere in the same limb, by one to several
centimetres. Such distances rank fits; they are no error of the fit.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from fit_metrics import Row, costs, named, outer_faces
from fit_pictures import save_pictures
from fit_summary import mean_of
from fit_watch import Stopwatch

from bodyscan.body.measurements import measure_surface
from bodyscan.capture.read import read_scan
from bodyscan.errors import BodyscanError
from bodyscan.fit import fit_body
from bodyscan.geometry.raycast import Raycaster
from bodyscan.geometry.sampling import sample_surface
from bodyscan.pipeline import model_of
from bodyscan.reconstruct import reconstruct_scan
from bodyscan.types import F64, BodyFit, Capture, Mesh

POINTS = 24_000
TAPE = {"height": "stature", "bust": "bust_girth", "waist": "waist_girth", "hips": "hip_girth"}
"""Name in a `.yaml` -> ours."""
PARTS = {
    "shoulder": ("UpperArm", r"upper_?arm|shoulder$"),
    "elbow": ("LowerArm", r"fore_?arm|lower_?arm|elbow"),
    "wrist": ("Hand", r"hand$|wrist"),
    "hip": ("UpperLeg", r"thigh|upper_?leg|(?<!s)hip$"),
    "knee": ("LowerLeg", r"calf|shin|lower_?leg|knee"),
    "ankle": ("Foot", r"foot$|ankle"),
}
"""Part -> our joint without its side, and the names that other rigs use."""
SHOWN = ("surface_mm", "surface_p95_mm", "height_mm", "bust_mm", "waist_mm", "hips_mm",
         *(f"{part}_mm" for part in PARTS), "joints_mm", "failed", "acceptable", "total_s")  # fmt: skip


@dataclass(frozen=True, eq=False)
class Given:
    """A body as it was given, in the file's own frame."""

    name: str
    capture: Capture
    tape_cm: dict[str, float]
    """Our name of a measurement -> centimetres."""
    joints: dict[str, F64]
    """Our joint name -> (3,) in the file's frame."""


def read_bodies(folder: Path) -> list[Given]:
    """All bodies of a folder, by name."""
    found = [read_obj(path) for path in sorted(folder.glob("*.obj"))]
    found += [read_avatar(path) for path in sorted(folder.glob("*.npz"))]
    if not found:
        sys.exit(f"There is no .obj and no .npz in {folder}.")
    return found


def read_obj(path: Path) -> Given:
    tape = path.with_suffix(".yaml")
    told = read_tape(tape) if tape.exists() else {}
    return Given(path.stem, read_scan(path), {TAPE[key]: told[key] for key in TAPE if key in told}, {})


def read_tape(path: Path) -> dict[str, float]:
    """Name -> number out of a flat `name: number` list with remarks after `#`."""
    found = {}
    for line in path.read_text().splitlines():
        name, _, value = line.partition("#")[0].strip().partition(":")
        if value.strip():
            found[name] = float(value)
    return found


def read_avatar(path: Path) -> Given:
    with np.load(path, allow_pickle=False) as data:
        vertices, faces = data["vertices"].astype(np.float64), data["faces"].astype(np.int32)
        names = [str(name) for name in data["joint_names" if "joint_names" in data else "names"]]
        places = data["joint_positions" if "joint_positions" in data else "joints"].astype(np.float64)
    joints: dict[str, F64] = {}
    for name, place in zip(names, places, strict=True):
        ours = our_joint(name)
        if ours and ours not in joints:
            joints[ours] = place
    return Given(path.stem, Capture(Mesh(vertices, faces), source=path.name), {}, joints)


def our_joint(name: str) -> str:
    """`Bip01 L Forearm` -> `leftLowerArm`; empty where we do not compare it."""
    plain = name.replace("Bip01", "").strip()
    side = re.search(r"(?i)(^|[ _.])(left|right|l|r)([ _.]|$)|^(left|right)(?=[A-Z])", plain)
    if side is None:
        return ""
    letter = (side.group(2) or side.group(4))[0].lower()
    rest = (plain[: side.start()] + " " + plain[side.end() :]).strip()
    for joint, pattern in PARTS.values():
        if re.search(f"(?i)(^|[ _.])({pattern})", rest):
            return ("left" if letter == "l" else "right") + joint
    return ""


def measure_given(given: Given, pictures: Path | None) -> Row:
    """The row of one body. No picture is made of one whose name says that it is a child."""
    watch = Stopwatch()
    row: Row = {"case": given.name, "faces": len(given.capture.mesh.faces)}
    try:
        scan = watch.run("reconstruct", lambda: reconstruct_scan(given.capture))
        fit = watch.run("fit", lambda: fit_body(scan))
    except BodyscanError as error:
        print(f"  {given.name}: {error}", file=sys.stderr)
        return row | costs(watch) | {"failed": 1, "acceptable": 0}
    row |= costs(watch) | {"failed": 0, "acceptable": int(fit.quality.acceptable)}
    transform = scan.world_from_input

    def in_world(points: F64) -> F64:
        return points @ transform[:3, :3].T + transform[:3, 3]

    outside = outer_faces(model_of(fit))
    mesh = given.capture.mesh
    points = in_world(sample_surface(mesh.vertices, mesh.faces, POINTS)[0])
    gap = 1e3 * Raycaster(Mesh(fit.surface.vertices, outside)).closest(points)[0]
    row |= {"surface_mm": gap.mean(), "surface_p95_mm": np.percentile(gap, 95)}
    row |= tape_errors(given, fit) | joint_distances(given, fit, in_world)
    if pictures is not None and "child" not in given.name.lower():
        save_pictures(pictures / f"{given.name}.png", scan, fit, None, outside)
    return row


def tape_errors(given: Given, fit: BodyFit) -> Row:
    """Fitted minus told, of the visible surface."""
    if not given.tape_cm:
        return {}
    got = named(measure_surface(model_of(fit), fit.params, fit.surface.vertices))
    return {
        f"{short}_mm": 10 * (got[name] - given.tape_cm[name])
        for short, name in TAPE.items()
        if name in given.tape_cm
    }


def joint_distances(given: Given, fit: BodyFit, in_world) -> Row:
    """Mean over both sides of the distance to the other rig's joint of that name."""
    if not given.joints:
        return {}
    place = dict(zip(fit.skeleton.joint_names, fit.skeleton.positions, strict=True))
    found: Row = {}
    for part, (joint, _) in PARTS.items():
        sides = [side + joint for side in ("left", "right") if side + joint in given.joints]
        if sides:
            apart = [np.linalg.norm(place[name] - in_world(given.joints[name][None])[0]) for name in sides]
            found[f"{part}_mm"] = 1e3 * float(np.mean(apart))
    if found:
        found["joints_mm"] = float(np.mean([float(str(value)) for value in found.values()]))
    return found


def run_scans(folder: Path, pictures: Path | None, limit: int) -> None:
    """A line for each body of a folder, and their mean."""
    print(
        f"\nbodies of {folder.name}: surface to its own mesh, tape against the .yaml, joints of another rig"
    )
    print(f"{'case':<24}" + "".join(f"{name.removesuffix('_mm'):>12}" for name in SHOWN))
    rows = []
    for given in read_bodies(folder)[:limit]:
        rows.append(measure_given(given, pictures))
        print(_line(rows[-1]), flush=True)
    print(_line({"case": f"mean of {len(rows)}", **{name: mean_of(rows, name) for name in SHOWN}}))


def _line(row: Row) -> str:
    cells = [row.get(name, "") for name in SHOWN]
    return f"{row['case']!s:<24}" + "".join(
        f"{cell:12.2f}" if isinstance(cell, float | np.floating) and np.isfinite(cell)
        else f"{'' if isinstance(cell, float) else cell!s:>12}" for cell in cells
    )  # fmt: skip
