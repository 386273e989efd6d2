"""Twin's GLB -> FBX, USDZ, .blend: what may be converted, and what became of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bodyscan.convert.blender_process import need_blender, run_in_blender
from bodyscan.convert.compare import ReadAgain, how_far_moved
from bodyscan.convert.working_folder import working_folder
from bodyscan.errors import ConsentError, InputError
from bodyscan.files import write_all
from bodyscan.gltf import GlbBody, read_glb
from bodyscan.gltf.container import unpack_glb
from bodyscan.gltf.read import DAMAGE

FORMATS = ("fbx", "usdz", "blend")
"""What a twin can be converted into."""


@dataclass(frozen=True)
class ConvertedFile:
    """One result."""

    path: Path
    size_bytes: int
    sha256: str
    """64 hex digits."""
    consent_places: tuple[str, ...]
    """Where in the file, read again, the record stands byte for byte."""
    moved_m: float
    """How far the vertex that moved most is from where it is in the GLB, along an axis, when the file is read
    again; 0.0 where every bit is the same."""
    joints_moved_m: float
    """The same of the joints in their rest pose."""
    warnings: tuple[str, ...] = ()
    """What Blender remarked."""


@dataclass(frozen=True)
class Converted:
    """What a twin was converted into."""

    files: Mapping[str, ConvertedFile]
    """Format -> file."""
    consent_sha256: str
    """Of the record's text in UTF-8, as it stands in the GLB and in every file."""
    blender: str
    """The version that wrote them."""


def convert_twin(glb: Path, outputs: Mapping[str, Path], *, timeout_s: float = 300.0) -> Converted:
    """Write a twin's GLB as FBX, USDZ or .blend, with its consent record inside; all files or none.

    `outputs`: format (`fbx`, `usdz`, `blend`) -> path. Blender runs in a process of its own that may take
    `timeout_s` seconds; it ends with this one. Each result is read again before it appears: the record must
    stand in it byte for byte, no joint, shape, triangle or image may be missing, and nothing may have moved
    by more than 0.1 mm. Whether the record is valid and covers the use is the caller's to judge beforehand.

    Raises `ConsentError` for a GLB without a record or with copies that differ, and where a result does not
    hold it; `InputError` for a format, path or GLB that cannot be used, a packed GLB, and a full disk;
    `MissingExtraError` without Blender; `StageError` where Blender crashes, takes too long or fails.
    """
    _check_outputs(glb, outputs, timeout_s)
    data, body, record, num_images = _read(glb)
    need_blender()
    with working_folder(next(iter(outputs.values()))) as working:
        folder = working.path
        (folder / "twin.glb").write_bytes(data)
        results = {name: folder / f"twin.{name}" for name in outputs}
        answer = run_in_blender(
            {
                "glb": str(folder / "twin.glb"),
                "record": record,
                "outputs": {name: str(path) for name, path in results.items()},
                "folder": str(folder),
            },
            folder,
            timeout_s,
            hold=working.hold,
        )
        contents = {outputs[name]: path.read_bytes() for name, path in results.items()}
        digest = hashlib.sha256(record.encode()).hexdigest()
        files = {}
        for name, path in outputs.items():
            found = answer["files"][name]
            moved = _how_far_moved(name, folder / f"{name}.npz", found, body, num_images)
            files[name] = _described(name, path, contents[path], found, moved, digest)
        write_all(contents)
    return Converted(files, digest, str(answer["blender"]))


def _check_outputs(glb: Path, outputs: Mapping[str, Path], timeout_s: float) -> None:
    """Refuse what cannot work, before anything is read."""
    if not outputs:
        raise InputError(f"No format is asked for; there are {', '.join(FORMATS)}.")
    for name, path in outputs.items():
        if name not in FORMATS:
            raise InputError(f"There is no format '{name}' to convert into; there are {', '.join(FORMATS)}.")
        if not path.parent.is_dir():
            raise InputError(
                f"The folder {path.parent} does not exist; make it, or give another output path."
            )
        if path.is_dir():
            raise InputError(f"{path} is a folder; give the path of a file.")
    places = [path.resolve() for path in (glb, *outputs.values())]
    if len(set(places)) < len(places):
        raise InputError("The GLB and the outputs must be different files; two of the paths are the same.")
    if not timeout_s > 0:
        raise InputError(f"The time limit must be more than 0 seconds; it is {timeout_s:g}.")


def _read(glb: Path) -> tuple[bytes, GlbBody, str, int]:
    """Return the GLB's bytes, its body, its record and its number of images."""
    try:
        data = glb.read_bytes()
    except OSError as error:
        raise InputError(f"{glb} cannot be read: {error.strerror}.") from error
    document, _ = unpack_glb(data)
    # Blender misplaces the joints of quantised files and does not know meshopt.
    if needed := [str(name) for name in document.get("extensionsRequired") or []]:
        raise InputError(
            f"{glb.name} is packed ({', '.join(needed)}); convert the plain GLB that it was made from."
        )
    body = read_glb(data)
    if body.consent is None:
        raise ConsentError(
            f"{glb.name} carries no consent record: it is not converted, for the results would carry none "
            "either. Use the twin as bodyscan wrote it, or one that kept its record."
        )
    try:
        return data, body, body.consent, _num_images(document)
    except DAMAGE as error:
        raise InputError(f"The file's glTF document is damaged: {error!r}.") from None


def _num_images(document: Mapping[str, Any]) -> int:
    """Return how many images the skin shows; others, a preview for example, no format takes along."""
    used = set()
    for material in document.get("materials", []):
        looks = material.get("pbrMetallicRoughness", {})
        for texture in (
            looks.get("baseColorTexture"),
            looks.get("metallicRoughnessTexture"),
            material.get("normalTexture"),
        ):
            if texture is not None:
                used.add(document["textures"][texture["index"]]["source"])
    return len(used)


def _how_far_moved(
    name: str, arrays: Path, found: Mapping[str, Any], body: GlbBody, num_images: int
) -> tuple[float, float]:
    with np.load(arrays) as again:
        return how_far_moved(
            name,
            body,
            num_images,
            ReadAgain(
                positions=again["positions"],
                joints=again["joints"],
                joint_names=found["joint_names"],
                shapes=found["shapes"],
                triangles=found["triangles"],
                images=found["images"],
            ),
            plain_names=name == "usdz",
        )


def _described(
    name: str, path: Path, data: bytes, found: Mapping[str, Any], moved: tuple[float, float], digest: str
) -> ConvertedFile:
    places = found["places"]
    wrong = [place for place, held in places.items() if held != digest]
    if wrong or not places:
        raise ConsentError(
            f"The {name} as Blender wrote it does not hold the consent record byte for byte in "
            f"{', '.join(wrong) or 'any place'}. Nothing was written; this Blender cannot be used for "
            "converting twins."
        )
    return ConvertedFile(
        path=path,
        size_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        consent_places=tuple(places),
        moved_m=moved[0],
        joints_moved_m=moved[1],
        warnings=tuple(found["warnings"]),
    )
