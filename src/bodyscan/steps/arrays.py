"""Scans, fits and textures as arrays in a file, and back: plain arrays, nothing that is run when read."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from bodyscan.errors import InputError
from bodyscan.types import (
    BodyFit,
    BodyParams,
    FitQuality,
    Landmarks,
    Mesh,
    Photo,
    ScanMesh,
    Skeleton,
    SkinTextures,
    Texture,
)

Arrays = Mapping[str, np.ndarray]
DAMAGE = (KeyError, ValueError, TypeError, OSError, EOFError, zipfile.BadZipFile)


def write_arrays(path: Path, arrays: Arrays, facts: Mapping[str, Any]) -> None:
    """Write arrays and facts (all that JSON can hold) to one .npz; `OSError` where there is no room."""
    np.savez(path, __facts__=np.array(json.dumps(facts)), **arrays)


def read_arrays(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return what `write_arrays` wrote. Raises `InputError` for a file that is missing or damaged."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        return arrays, json.loads(str(arrays.pop("__facts__")))
    except DAMAGE as error:
        raise _damaged(path, error) from None


def scan_arrays(scan: ScanMesh) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return a scan as arrays and facts."""
    arrays = {"confidence": scan.confidence, "world_from_input": scan.world_from_input}
    arrays |= _mesh_arrays(scan.mesh)
    if scan.texture is not None:
        arrays["texture"] = scan.texture.image
    if scan.landmarks is not None:
        arrays["landmark_positions"] = scan.landmarks.positions
        arrays["landmark_confidence"] = scan.landmarks.confidence
    for index, photo in enumerate(scan.photos):
        arrays[f"photo{index}_image"] = photo.image
        arrays[f"photo{index}_K"] = photo.K
        arrays[f"photo{index}_pose"] = photo.camera_from_world
        if photo.mask is not None:
            arrays[f"photo{index}_mask"] = photo.mask
    facts = {
        "unit": scan.unit,
        "up": scan.up,
        "facing": scan.facing,
        "inferred": list(scan.inferred),
        "sha256": scan.sha256,
        "notes": list(scan.notes),
        "photos": [photo.name for photo in scan.photos],
        "landmarks": None if scan.landmarks is None else _landmark_facts(scan.landmarks),
    }
    return arrays, facts


def read_scan(path: Path) -> ScanMesh:
    """Read a scan. Raises `InputError` for a file that is missing or damaged."""
    arrays, facts = read_arrays(path)
    try:
        landmarks = None
        if facts["landmarks"] is not None:
            landmarks = Landmarks(
                names=tuple(facts["landmarks"]["names"]),
                positions=arrays["landmark_positions"],
                confidence=arrays["landmark_confidence"],
                kind=tuple(facts["landmarks"]["kind"]),
                source=facts["landmarks"]["source"],
            )
        return ScanMesh(
            mesh=_mesh(arrays),
            confidence=arrays["confidence"],
            texture=Texture(arrays["texture"]) if "texture" in arrays else None,
            world_from_input=arrays["world_from_input"],
            unit=facts["unit"],
            up=facts["up"],
            facing=facts["facing"],
            inferred=tuple(facts["inferred"]),
            landmarks=landmarks,
            sha256=facts["sha256"],
            notes=tuple(facts["notes"]),
            photos=tuple(
                Photo(
                    arrays[f"photo{index}_image"],
                    arrays[f"photo{index}_K"],
                    arrays[f"photo{index}_pose"],
                    name,
                    arrays.get(f"photo{index}_mask"),
                )
                for index, name in enumerate(facts["photos"])
            ),
        )
    except (*DAMAGE, InputError) as error:
        raise _damaged(path, error) from None


def fit_arrays(fit: BodyFit) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return a fit as arrays and facts."""
    arrays = {
        "betas": fit.params.betas,
        "pose_rotvec": fit.params.pose_rotvec,
        "translation": fit.params.translation,
        "faces": fit.body.faces,
        "body": fit.body.vertices,
        "surface": fit.surface.vertices,
        "skin": fit.skin.vertices,
        "joints": fit.skeleton.positions,
        "parents": fit.skeleton.parents,
        "distance_mm": fit.distance_mm,
        "coverage": fit.coverage,
        "clothing": fit.clothing,
    }
    facts = {
        "expression": dict(fit.params.expression),
        "joint_names": list(fit.skeleton.joint_names),
        "quality": asdict(fit.quality),
        "model_name": fit.model_name,
        "iterations": fit.iterations,
        "guessed_hands": list(fit.guessed_hands),
        "notes": list(fit.notes),
    }
    return arrays, facts


def read_fit(path: Path) -> BodyFit:
    """Read a fit. Raises `InputError` for a file that is missing or damaged."""
    arrays, facts = read_arrays(path)
    try:
        quality = facts["quality"]
        faces = arrays["faces"]
        return BodyFit(
            params=BodyParams(
                arrays["betas"], arrays["pose_rotvec"], arrays["translation"], facts["expression"]
            ),
            body=Mesh(arrays["body"], faces),
            surface=Mesh(arrays["surface"], faces),
            skin=Mesh(arrays["skin"], faces),
            skeleton=Skeleton(tuple(facts["joint_names"]), arrays["parents"], arrays["joints"]),
            distance_mm=arrays["distance_mm"],
            coverage=arrays["coverage"],
            clothing=arrays["clothing"],
            quality=FitQuality(**{**quality, "reasons": tuple(quality["reasons"])}),
            model_name=facts["model_name"],
            iterations=facts["iterations"],
            guessed_hands=tuple(facts["guessed_hands"]),
            notes=tuple(facts["notes"]),
        )
    except (*DAMAGE, InputError) as error:
        raise _damaged(path, error) from None


def texture_arrays(textures: SkinTextures) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return textures as arrays and facts."""
    arrays = {"albedo": textures.albedo}
    if textures.normal is not None:
        arrays["normal"] = textures.normal
    if textures.roughness is not None:
        arrays["roughness"] = textures.roughness
    return arrays, {"seen_share": textures.seen_share, "notes": list(textures.notes)}


def read_textures(path: Path) -> SkinTextures:
    """Read textures. Raises `InputError` for a file that is missing or damaged."""
    arrays, facts = read_arrays(path)
    try:
        return SkinTextures(
            arrays["albedo"],
            arrays.get("normal"),
            arrays.get("roughness"),
            facts["seen_share"],
            tuple(facts["notes"]),
        )
    except (*DAMAGE, InputError) as error:
        raise _damaged(path, error) from None


def _mesh_arrays(mesh: Mesh) -> dict[str, np.ndarray]:
    named = {
        "vertices": mesh.vertices,
        "faces": mesh.faces,
        "uvs": mesh.uvs,
        "colors": mesh.colors,
        "normals": mesh.normals,
    }
    return {name: array for name, array in named.items() if array is not None}


def _mesh(arrays: Arrays) -> Mesh:
    return Mesh(
        arrays["vertices"],
        arrays["faces"],
        arrays.get("uvs"),
        arrays.get("colors"),
        arrays.get("normals"),
    )


def _landmark_facts(landmarks: Landmarks) -> dict[str, Any]:
    return {"names": list(landmarks.names), "kind": list(landmarks.kind), "source": landmarks.source}


def _damaged(path: Path, error: Exception) -> InputError:
    return InputError(
        f"{path.name} in the working folder is missing or damaged ({type(error).__name__}); "
        "run its step again."
    )
