"""`read_photos`: a folder of photos with solved cameras -> `Photo` values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bodyscan.capture.photo_files import load_photo
from bodyscan.capture.photos_colmap import read_colmap
from bodyscan.capture.photos_metashape import read_metashape
from bodyscan.capture.photos_shot import Shot
from bodyscan.capture.photos_transforms import read_transforms
from bodyscan.errors import InputError
from bodyscan.types import Photo

COLMAP_FOLDERS = (".", "sparse/0", "sparse", "colmap/sparse/0", "distorted/sparse/0")
"""Where a COLMAP model is looked for in a folder of photos."""
PICTURE_FOLDERS = ("images", ".", "input")
"""Where its photos are looked for."""
KNOWN = "transforms.json, COLMAP's cameras and images (.txt or .bin), or a Metashape cameras .xml"


@dataclass(frozen=True)
class _Found:
    """A file of cameras and the folder that its photos' names start from."""

    path: Path
    pictures: Path
    kind: str


def read_photos(path: str | Path) -> tuple[Photo, ...]:
    """Read the photos of a folder, or of a file of cameras, with their cameras.

    Understood are `transforms.json` (nerfstudio, instant-ngp), COLMAP models (text or binary, in the folder
    or in `sparse/0`) and Metashape's XML. Photos come back in the order of the file, without lens
    distortion, with a mask where the photo has alpha, `masks/NAME.png` lies beside it, or the file names one.
    They stand in the frame and unit of the cameras: that must be the scan's.

    Raises `InputError` that names the file and says what to do: no cameras, a photo that is missing or of
    another size than its camera, a pose that is none, an unknown camera model, a truncated file.
    """
    path = Path(path)
    found = _cameras(path)
    try:
        shots = _read(found)
    except OSError as error:
        raise InputError(f"{found.path} cannot be opened for reading: {error.strerror}.") from None
    if not shots:
        raise InputError(f"{found.path.name} names no photo; solve the cameras again.")
    return tuple(load_photo(shot) for shot in shots)


def _read(found: _Found) -> list[Shot]:
    if found.kind == "transforms":
        return read_transforms(found.path)
    if found.kind == "metashape":
        return read_metashape(found.path, found.pictures)
    return read_colmap(found.path, found.pictures)


def _cameras(path: Path) -> _Found:
    if not path.exists():
        raise InputError(f"There is no folder {path}. Give a folder of photos with {KNOWN}.")
    if path.is_file():
        kind = {".json": "transforms", ".xml": "metashape"}.get(path.suffix.lower())
        if kind is not None:
            return _Found(path, path.parent, kind)
        if path.name in ("cameras.txt", "images.txt", "cameras.bin", "images.bin"):
            return _Found(path.parent, _picture_folder(path.parent), "colmap")
        raise InputError(f"{path.name} holds no cameras that are known. Known are: {KNOWN}.")
    if (path / "transforms.json").is_file():
        return _Found(path / "transforms.json", path, "transforms")
    for name in COLMAP_FOLDERS:
        folder = path / name
        if (folder / "images.bin").is_file() or (folder / "images.txt").is_file():
            return _Found(folder, _picture_folder(path), "colmap")
    documents = sorted(path.glob("*.xml"))
    if len(documents) == 1:
        return _Found(documents[0], path, "metashape")
    if documents:
        raise InputError(f"{path} holds {len(documents)} XML files; give the one with the cameras itself.")
    raise InputError(f"{path} holds no cameras; put {KNOWN} beside the photos.")


def _picture_folder(folder: Path) -> Path:
    """The folder that COLMAP's names start from; a model in `sparse/0` belongs to photos above it."""
    while folder.name in ("0", "sparse", "colmap", "distorted") and not (folder / "images").is_dir():
        folder = folder.parent
    candidates = [folder / name for name in PICTURE_FOLDERS]
    return next((candidate for candidate in candidates if candidate.is_dir()), folder)
