"""GLB -> everything that a consent is bound to: triangles, rig, face shapes, colours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bodyscan.consent.content import BodyContent, shape_key
from bodyscan.errors import InputError
from bodyscan.geometry.srgb import srgb_from_linear
from bodyscan.gltf.accessors import AccessorReader
from bodyscan.gltf.consent_copies import agreed_consent
from bodyscan.gltf.container import unpack_glb
from bodyscan.gltf.nodes import NodeTree
from bodyscan.gltf.primitives import PrimitiveReader
from bodyscan.gltf.read import DAMAGE
from bodyscan.gltf.read_looks import Looks, read_looks, read_uvs
from bodyscan.gltf.read_motion import motion_problem
from bodyscan.gltf.rest_pose import (
    Surface,
    common_matrix,
    extent_of,
    influences,
    positions_of,
    rest_surfaces,
    skin_matrices,
)
from bodyscan.types import F32, F64, U8, Morph

MAX_SHAPES = 1024
"""Face shapes of one mesh; a twin has fewer than a hundred."""


def read_content(source: str | Path | bytes) -> tuple[str | None, BodyContent]:
    """Return the consent text of a GLB, None where it has none, and the body that it must belong to.

    The geometry is what `read_consent` returns: every triangle of every mesh in the rest pose. Joints stand
    where their nodes stand; shapes of one name on several meshes are one shape; quantised, meshopt- and
    Draco-compressed data are decoded. An image that cannot be decoded here (KTX2) or lies outside of the file
    is told in `BodyContent.unread`, what no twin has (a second skin, glow, a shape that is on from the start)
    in `BodyContent.problems`.

    Raises `ConsentError` where copies of the consent differ, `InputError` where the file or an image in it
    is damaged or too large, `MissingExtraError` for a Draco file without the extra `draco`.
    """
    document, binary = unpack_glb(source)
    text = agreed_consent(document)
    try:
        return text, _Reader(document, AccessorReader(document, binary)).content()
    except DAMAGE as error:
        raise InputError(f"The file's glTF document is damaged: {error!r}.") from None


@dataclass(frozen=True, eq=False)
class _Part:
    """One primitive as one node shows it, with its own vertex numbers."""

    surface: Surface
    joints: NDArray[np.int64]
    """(V, K) into all joints of the document; (V, 0) without a skin."""
    weights: F64
    morphs: dict[str, F32]
    """Name -> (V, 3) metres."""
    uvs: F32 | None
    colors: U8 | None


class _Reader:
    """Reads one document."""

    def __init__(self, document: Mapping[str, Any], reader: AccessorReader) -> None:
        self._document, self._reader = document, reader
        self._tree = NodeTree(document)
        self._skins: dict[int, tuple[F64, int]] = {}
        self._joints: list[F64] = []
        self._problems: dict[str, str] = {}
        self._unread: dict[str, str] = {}

    def content(self) -> BodyContent:
        """Return all surfaces as one body."""
        surfaces = rest_surfaces(self._document, self._reader)
        if not surfaces:
            raise InputError("The file holds no triangle mesh; a twin has a body.")
        primitives = [
            (mesh, primitive, index)
            for index, mesh in enumerate(self._document["meshes"])
            for primitive in mesh["primitives"]
            for _ in range(sum(node.get("mesh") == index for node in self._tree.nodes) or 1)
        ]
        parts = [
            self._part(surface, mesh, primitive)
            for surface, (mesh, primitive, _) in zip(surfaces, primitives, strict=True)
        ]
        looks = read_looks(self._document, self._reader)
        if looks.problem:
            self._problems["texture"] = looks.problem
        if looks.unread:
            self._unread["texture"] = looks.unread
        if problem := motion_problem(self._document, self._reader):
            self._problems["rig"] = problem
        return self._joined(parts, looks)

    def _joined(self, parts: list[_Part], looks: Looks) -> BodyContent:
        counts = [len(part.surface.positions) for part in parts]
        begins = np.cumsum([0, *counts])[:-1]
        width = max(part.joints.shape[1] for part in parts)
        names = dict.fromkeys(name for part in parts for name in part.morphs)
        morphs = []
        for name in names:
            deltas = [
                part.morphs.get(name, np.zeros((n, 3), np.float32))
                for part, n in zip(parts, counts, strict=True)
            ]
            dense = np.concatenate(deltas)
            moved = np.flatnonzero(dense.any(axis=1))
            morphs.append(Morph(name, moved.astype(np.int32), dense[moved]))
        faces = [part.surface.faces + begin for part, begin in zip(parts, begins, strict=True)]
        return BodyContent(
            positions=np.concatenate([part.surface.positions for part in parts]),
            faces=np.concatenate(faces).astype(np.int32),
            joint_positions=np.concatenate([np.zeros((0, 3)), *self._joints]),
            joint_indices=_wide([part.joints for part in parts], width, np.uint16) if width else None,
            joint_weights=_wide([part.weights for part in parts], width, np.float32) if width else None,
            morphs=tuple(morphs),
            uvs=_filled([part.uvs for part in parts], counts, 0.0),
            albedo=looks.albedo,
            colors=_filled([part.colors for part in parts], counts, 255),
            tint=looks.tint,
            unread=self._unread,
            problems=self._problems,
        )

    def _part(self, surface: Surface, mesh: Mapping[str, Any], primitive: Mapping[str, Any]) -> _Part:
        read = PrimitiveReader(primitive, self._reader, str(mesh.get("name", "?")))
        count = len(surface.positions)
        joints, weights = np.zeros((count, 0), np.int64), np.zeros((count, 0))
        linear: F64 = np.eye(3)
        node = {} if surface.node is None else self._tree.nodes[surface.node]
        if "skin" in node and read.has("JOINTS_0"):
            matrices, first = self._skin(node["skin"])
            joints, weights = influences(read, len(matrices))
            common = common_matrix(matrices, extent_of(positions_of(read)))
            if common is None:
                linear = np.einsum("vk,vkij->vij", weights, matrices[joints][..., :3, :3])
            else:
                linear = common[:3, :3]
            joints = joints + first
        elif surface.node is not None:
            linear = self._tree.world_matrix(surface.node)[:3, :3]
        return _Part(
            surface,
            joints,
            weights,
            self._morphs(mesh, primitive, node, count, linear),
            read_uvs(self._document, primitive, read),
            _colors(read),
        )

    def _skin(self, index: int) -> tuple[F64, int]:
        """Return the skin's matrices, and its first joint among those of all skins."""
        if index not in self._skins:
            matrices = skin_matrices(self._document, self._tree, index, self._reader)
            first = sum(map(len, self._joints))
            joints = self._document["skins"][index]["joints"]
            if first + len(joints) > np.iinfo(np.uint16).max:
                raise InputError(f"The file has more than {np.iinfo(np.uint16).max} joints.")
            self._joints.append(np.stack([self._tree.world_matrix(joint)[:3, 3] for joint in joints]))
            self._skins[index] = matrices, first
        return self._skins[index]

    def _morphs(
        self,
        mesh: Mapping[str, Any],
        primitive: Mapping[str, Any],
        node: Mapping[str, Any],
        count: int,
        linear: F64,
    ) -> dict[str, F32]:
        targets = primitive.get("targets", [])
        if not targets:
            return {}
        if len(targets) > MAX_SHAPES:
            raise InputError(f"A mesh of the file has {len(targets)} face shapes; {MAX_SHAPES} is the most.")
        names = [str(name) for name in mesh.get("extras", {}).get("targetNames", [])]
        if len(names) != len(targets):
            self._unread["morphs"] = f"the file's {len(targets)} face shapes have {len(names)} names"
            names = [f"shape {index}" for index in range(len(targets))]
        keys = [shape_key(name) for name in names]
        if twice := sorted({name for name in keys if keys.count(name) > 1}):
            self._problems["morphs"] = f"the file has two face shapes of the name {twice[0]}"
        starts = node.get("weights", mesh.get("weights", []))
        on = [name for name, start in zip(names, starts, strict=False) if float(start) != 0]
        if on:
            self._problems["morphs"] = f"the file shows the face shape {on[0]} from the start"
        found = {}
        for key, target in zip(keys, targets, strict=True):
            if "POSITION" not in target:
                found[key] = np.zeros((count, 3), np.float32)
                continue
            try:
                deltas = self._reader.read(target["POSITION"]).astype(np.float32)
            except InputError as error:
                # Some tools drop the data of sparse accessors; triangles and rig can be judged without.
                self._unread["morphs"] = f"the face shape {key} cannot be read: {error}"
                continue
            if deltas.shape != (count, 3):
                raise InputError(f"The face shape {key} is {deltas.shape}; the mesh has {count} vertices.")
            found[key] = _turned(deltas, linear)
        return found


def _turned(deltas: F32, linear: F64) -> F32:
    """Return (V, 3) displacements by one matrix (3, 3) or one a vertex; the same bits for the identity."""
    if linear.ndim == 2 and np.array_equal(linear, np.eye(3)):
        return deltas
    equation = "ij,vj->vi" if linear.ndim == 2 else "vij,vj->vi"
    with np.errstate(over="ignore", invalid="ignore"):
        turned = np.einsum(equation, linear, deltas.astype(np.float64)).astype(np.float32)
    if not np.isfinite(turned).all():
        raise InputError("A face shape of the file moves a vertex to no finite place.")
    return turned


def _colors(read: PrimitiveReader) -> U8 | None:
    """Return (V, 3) uint8 sRGB, None where there are none or all are white."""
    if not read.has("COLOR_0"):
        return None
    colors = srgb_from_linear(read.attribute("COLOR_0")[:, :3])
    return None if (colors == 255).all() else colors


def _filled(arrays: list[Any], counts: list[int], fill: float) -> Any:
    """Join (V, C) arrays; where one has none, its rows hold `fill`. None where all have none."""
    known = [array for array in arrays if array is not None]
    if not known:
        return None
    width, dtype = known[0].shape[1], known[0].dtype
    return np.concatenate(
        [
            np.full((count, width), fill, dtype) if array is None else array
            for array, count in zip(arrays, counts, strict=True)
        ]
    )


def _wide(arrays: list[Any], width: int, dtype: Any) -> Any:
    """Join (V, K) arrays, each filled up with zeros to `width` columns."""
    padded = [np.pad(array, ((0, 0), (0, width - array.shape[1]))) for array in arrays]
    return np.concatenate(padded).astype(dtype)
