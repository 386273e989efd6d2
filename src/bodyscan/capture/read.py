"""`read_scan`: any known file of a raw scan -> `Capture`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from bodyscan.capture import gltf, obj, off, pcd, ply, stl, text_cloud
from bodyscan.capture.parts import Parsed, join_parts
from bodyscan.capture.quiet import quiet_libraries
from bodyscan.errors import BodyscanError, InputError
from bodyscan.types import Capture

_READERS: dict[str, Callable[[Path], Parsed]] = {
    "ply": ply.read_ply,
    "obj": obj.read_obj,
    "stl": stl.read_stl,
    "glb": gltf.read_glb,
    "gltf": gltf.read_gltf,
    "off": off.read_off,
    "pcd": pcd.read_pcd,
    "xyz": text_cloud.read_text_cloud,
    "txt": text_cloud.read_text_cloud,
    "csv": text_cloud.read_text_cloud,
}

EXTENSIONS: tuple[str, ...] = tuple(_READERS)
"""The file extensions that `read_scan` knows, lower case, without the dot."""

UNITS = ("m", "cm", "mm", "in")
AXES = ("+x", "-x", "+y", "-y", "+z", "-z")


def read_scan(
    path: str | Path, *, unit: str | None = None, up: str | None = None, facing: str | None = None
) -> Capture:
    """Read a mesh or a point cloud as it is: no unit, axis or surface is changed.

    `unit` is one of `m cm mm in`, `up` and `facing` one of `+x -x +y -y +z -z`; None leaves them to
    be inferred later. Polygons are cut into triangles; texture coordinates come back with the origin
    at the image's top left. Raises `InputError` for a file that is missing, empty, of an unknown kind,
    damaged, or without geometry. The file is opened for reading only.
    """
    path = Path(path)
    _check_choice("unit", unit, UNITS)
    _check_choice("up", up, AXES)
    _check_choice("facing", facing, AXES)
    if up is not None and facing is not None and up[1] == facing[1]:
        raise InputError(f"up ({up}) and facing ({facing}) lie on the same axis; they must be perpendicular.")
    extension = _check_file(path)
    digest = _sha256(path)
    try:
        with quiet_libraries():
            parsed = _READERS[extension](path)
            joined = join_parts(parsed, path.name)
    except BodyscanError:
        raise
    except Exception as error:  # a parser met bytes that its format does not allow
        detail = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise InputError(
            f"{path.name} could not be read as {extension.upper()}: it is truncated, damaged or of another "
            f"kind ({detail}). Export the scan again."
        ) from error
    return Capture(
        mesh=joined.mesh,
        texture=joined.texture,
        unit=unit,
        up=up,
        facing=facing,
        sha256=digest,
        source=path.name,
        file_format=extension,
        notes=joined.notes,
        confidence=joined.confidence,
    )


def _check_choice(name: str, value: str | None, known: tuple[str, ...]) -> None:
    if value is not None and value not in known:
        raise InputError(f"{name} is {value!r}; it must be one of {', '.join(known)}.")


def _check_file(path: Path) -> str:
    """Return the extension, or raise `InputError` for what can be told without parsing."""
    known = ", ".join(EXTENSIONS)
    if not path.exists():
        raise InputError(f"There is no file {path}. Give the path of a scan ({known}).")
    if path.is_dir():
        raise InputError(f"{path} is a folder. Give the path of one scan file ({known}).")
    if not path.is_file():
        raise InputError(f"{path} is not a plain file. Give the path of a scan file ({known}).")
    extension = path.suffix.lower().lstrip(".")
    if extension not in _READERS:
        shown = f"the extension .{extension}" if extension else "no extension"
        raise InputError(f"{path.name} has {shown}, which is not known. Known are: {known}.")
    if path.stat().st_size == 0:
        raise InputError(f"{path.name} is empty (0 bytes). Export or copy the scan again.")
    try:
        with path.open("rb") as file:
            head = file.read(256)
    except OSError as error:
        raise InputError(f"{path.name} cannot be opened for reading: {error.strerror}.") from error
    if head.startswith(b"version https://git-lfs"):
        raise InputError(
            f"{path.name} is a Git LFS pointer, not the scan itself. Fetch it with `git lfs pull`."
        )
    if head.lstrip().lower().startswith((b"<!doctype html", b"<html")):
        raise InputError(f"{path.name} is a web page, not a scan. Download the file itself.")
    return extension


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
