# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person has chosen to import, and which consent lies beside it. No `bpy`.

The readers themselves run in the `bodyscan` command and say what is wrong with a file. Here is only told
apart what goes different ways: a scan, a twin, and a folder of photos with the mesh that was made of them.
"""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from bodyscan.errors import BodyscanError, ConsentError, InputError

SCANS = ("ply", "obj", "stl", "glb", "gltf", "off", "pcd", "xyz", "txt", "csv")
"""Endings of meshes and point clouds."""
MESHES = ("ply", "obj", "stl", "glb", "gltf", "off")
RECORDINGS = ("r3d", "mkv", "bag", "png")
"""Endings of depth recordings in one file."""
PICTURES = ("jpg", "jpeg", "png", "tif", "tiff")
CONSENT = ".consent.json"
"""`woman.obj` has its consent in `woman.consent.json`, the folder `turntable` in `turntable.consent.json`."""
CAMERAS = ("transforms.json", "cameras.txt", "cameras.bin", "images.txt", "images.bin")
CAMERA_FOLDERS = ("", "sparse/0", "sparse", "colmap/sparse/0", "distorted/sparse/0")
MESH_FOLDERS = ("", "dense", "colmap/dense", "mesh", "model", "texturing")
"""Where programs of photogrammetry, COLMAP and Meshroom among them, lay the mesh in a project's folder."""
_DEPTH_SIGNS = ("capture.json", "associations.txt", "camera_intrinsic.json", "intrinsic.json", "odometry.csv")


def file_filter() -> str:
    """Return what the file browser shows, as Blender takes it."""
    return ";".join(f"*.{ending}" for ending in dict.fromkeys((*SCANS, "vrm", *RECORDINGS)))


def kind_of(path: Path) -> str:
    """Return `scan` (a mesh, a cloud, a depth capture), `photos` (with their mesh, see `mesh_of`) or `twin`.

    Raises `InputError` where there is nothing, and for photos alone: the sentence says what is missing.
    """
    if not path.exists():
        raise InputError(f"There is no file or folder {path}; choose a capture.")
    if path.is_dir():
        if not _is_photos(path):
            return "scan"
        mesh_of(path)
        return "photos"
    ending = path.suffix.lower().lstrip(".")
    if ending == "vrm" or (ending == "glb" and _is_twin(path)):
        return "twin"
    if ending in ("jpg", "jpeg", "tif", "tiff", "xml") or path.name in CAMERAS:
        raise InputError(photos_alone(path.parent))
    return "scan"


def mesh_of(folder: Path) -> Path:
    """Return the one mesh in a folder of photos with their cameras: a project of photogrammetry.

    Raises `InputError` where there is none, or cameras are missing, or there are several.
    """
    found = [path for place in MESH_FOLDERS for path in sorted((folder / place).glob("*"))]
    meshes = [p for p in found if p.suffix.lower().lstrip(".") in MESHES and p.is_file()]
    if not meshes or not has_cameras(folder):
        raise InputError(photos_alone(folder))
    if len(meshes) > 1:
        names = ", ".join(path.relative_to(folder).as_posix() for path in meshes[:4])
        raise InputError(
            f"{folder.name} holds several meshes ({names}); choose the one of the person as the capture, and "
            "this folder as its photos."
        )
    return meshes[0]


def photos_alone(folder: Path) -> str:
    """Return what to do with a folder of photos that was given as the capture, in sentences."""
    words = (
        f"{folder.name} holds photos, which give a twin its colours and not its shape. Choose the mesh that "
        "was made of these photos as the capture, and this folder as its photos: both of one project "
        "(COLMAP, Metashape, RealityCapture ...), so that the cameras stand in the mesh's frame."
    )
    if not has_cameras(folder):
        words += (
            " The cameras are missing too: export transforms.json, COLMAP's cameras and images (.txt or "
            ".bin), or Metashape's cameras (.xml) into the folder."
        )
    return words


def has_cameras(folder: Path) -> bool:
    """Whether a folder of photos seems to hold solved cameras."""
    named = any((folder / place / name).is_file() for place in CAMERA_FOLDERS for name in CAMERAS)
    return named or any(folder.glob("*.xml"))


def consent_beside(capture: Path) -> Path | None:
    """Return the record that lies beside a capture, or beside the mesh in a folder of photos, or None."""
    mesh = _project_mesh(capture, capture.stat().st_mtime_ns) if capture.is_dir() else None
    for place in (capture, *([mesh] if mesh else [])):
        name = place.name if place.is_dir() else place.stem
        for candidate in (place.with_name(f"{name}{CONSENT}"), place.with_name(f"{place.name}{CONSENT}")):
            if candidate.is_file():
                return candidate
    return None


@lru_cache(maxsize=8)
def _project_mesh(folder: Path, stamp: int) -> Path | None:
    """The mesh in a folder of photos, or None. `stamp`: its state; the panel asks at every redraw."""
    with suppress(InputError):
        return mesh_of(folder) if _is_photos(folder) else None
    return None


def no_consent(capture: Path) -> str:
    """Return what to do where there is no record, in one sentence."""
    name = capture.name if capture.is_dir() else capture.stem
    return (
        f"Nothing was imported: {capture.name} has no consent. Choose the person's signed record, or lay it "
        f"beside the capture as {name}{CONSENT}; `bodyscan consent template`, `new` and `sign` make one with "
        "the person."
    )


def _is_photos(folder: Path) -> bool:
    """Whether a folder holds photos and nothing of a depth camera's."""
    try:
        names = [path.name.lower() for path in folder.iterdir()]
        inner = [path.name.lower() for path in (folder / "images").glob("*")]
    except OSError:
        return False
    if any("depth" in name or name == "keyframes" or name in _DEPTH_SIGNS for name in names):
        return False
    pictures = [name for name in (*names, *inner) if name.rpartition(".")[2] in PICTURES]
    if any(
        name.endswith((".pcd", ".ply")) for name in names
    ):  # clouds of a depth camera, or a project's mesh
        return bool(pictures) and has_cameras(folder)
    return bool(pictures) or has_cameras(folder)


def _is_twin(path: Path) -> bool:
    """Whether a .glb carries a consent record: then it is a twin, whatever else it is."""
    from bodyscan.gltf.consent_copies import consent_copies
    from bodyscan.gltf.container import unpack_glb

    try:
        return bool(consent_copies(unpack_glb(path)[0]))
    except ConsentError:
        return True
    except BodyscanError:
        return False  # no GLB that can be read; the reader says what is wrong with it
