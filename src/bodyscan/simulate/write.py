"""Scan files and truth files, always the same bytes for the same scan."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np

from bodyscan.capture.write_ply import ply_bytes
from bodyscan.errors import InputError
from bodyscan.files import write_atomic
from bodyscan.simulate.raw import SimulatedScan
from bodyscan.types import Mesh

FORMATS = (".ply", ".obj", ".stl", ".glb")
SOFTWARE = f"bodyscan {version('bodyscan')}"
LONG_AGO = (1980, 1, 1, 0, 0, 0)


def check_scan_path(path: Path) -> None:
    """Raise `InputError` where no scan can be written to `path`."""
    if path.suffix.lower() not in FORMATS:
        raise InputError(f"{path.name}: scans are written as {', '.join(FORMATS)}; give one of these.")
    _check_folder(path)


def check_truth_path(path: Path) -> None:
    """Raise `InputError` where no truth can be written to `path`."""
    if path.suffix.lower() != ".npz":
        raise InputError(f"{path.name}: the truth is written as .npz; give that ending.")
    _check_folder(path)


def _check_folder(path: Path) -> None:
    if not path.parent.is_dir():
        raise InputError(f"The folder {path.parent} does not exist; make it first or give another path.")


def write_scan(scan: SimulatedScan, path: Path) -> None:
    """Write the scan by its name's ending; raises `InputError` for another ending or a missing folder.

    Coordinates are float32, in `.obj` text of 0.01 mm; `.stl` has no colours.
    """
    check_scan_path(path)
    writers = {".ply": _ply, ".obj": _obj, ".stl": _stl, ".glb": _glb}
    write_atomic(path, writers[path.suffix.lower()](scan.mesh, scan.options.unit))


def write_truth(scan: SimulatedScan, path: Path) -> None:
    """Write the truth as compressed `.npz`, laid out as `docs/simulate.md` says."""
    check_truth_path(path)
    truth = scan.truth
    info = {
        "software": SOFTWARE,
        "model": scan.model_name,
        "license": "CC0-1.0",
        "options": scan.options.as_dict(),
        "skin_tone": truth.skin_tone,
    }
    arrays = {
        "betas": truth.params.betas,
        "pose_rotvec": truth.params.pose_rotvec,
        "translation": truth.params.translation,
        "vertices": truth.vertices.astype(np.float32),
        "outer": truth.outer.astype(np.float32),
        "cover": truth.cover,
        "joints": truth.joints,
        "joint_names": np.array(scan.joint_names),
        "world_from_input": truth.world_from_input,
        "info": np.array(json.dumps(info, sort_keys=True)),
    }
    write_atomic(path, npz_bytes(arrays))


def npz_bytes(arrays: dict[str, np.ndarray]) -> bytes:
    """Like `numpy.savez_compressed`, without the clock in the bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, array in arrays.items():
            entry = io.BytesIO()
            np.lib.format.write_array(entry, np.asarray(array, order="C"), allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy", LONG_AGO)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, entry.getvalue(), compresslevel=9)
    return buffer.getvalue()


def _ply(mesh: Mesh, unit: str) -> bytes:
    del unit
    return ply_bytes(replace(mesh, normals=None))


def _obj(mesh: Mesh, unit: str) -> bytes:
    digits = {"m": 5, "cm": 3, "mm": 2, "in": 4}[unit]
    lines = [f"# a simulated scan, made by {SOFTWARE}"]
    if mesh.colors is None:
        lines += [f"v {x:.{digits}f} {y:.{digits}f} {z:.{digits}f}" for x, y, z in mesh.vertices]
    else:
        shades = [f"{k / 255:.3f}" for k in range(256)]
        rows = zip(np.round(mesh.vertices, digits).tolist(), mesh.colors.tolist(), strict=True)
        lines += [
            f"v {x:.{digits}f} {y:.{digits}f} {z:.{digits}f} {shades[r]} {shades[g]} {shades[b]}"
            for (x, y, z), (r, g, b) in rows
        ]
    lines += [f"f {a} {b} {c}" for a, b, c in (mesh.faces + 1).tolist()]
    return ("\n".join(lines) + "\n").encode("ascii")


def _stl(mesh: Mesh, unit: str) -> bytes:
    del unit
    corners = mesh.vertices[mesh.faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-30)
    facets = np.zeros(len(corners), [("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("spare", "<u2")])
    facets["normal"], facets["corners"] = normals, corners
    header = b"a simulated scan, made by bodyscan".ljust(80, b" ")
    return header + np.uint32(len(corners)).tobytes() + facets.tobytes()


def _glb(mesh: Mesh, unit: str) -> bytes:
    del unit  # glTF says metres; scanners write what they have
    import trimesh
    from trimesh.exchange.gltf import export_glb

    made = trimesh.Trimesh(mesh.vertices, mesh.faces, vertex_colors=mesh.colors, process=False)
    return export_glb(trimesh.Scene(made), include_normals=False)
