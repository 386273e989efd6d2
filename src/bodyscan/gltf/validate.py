"""Quick checks of a twin's GLB: what an engine would stumble over, and the budgets that we aim at.

The Khronos validator (`bodyscan.gltf.khronos`) knows the format; these checks know what a twin is.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bodyscan.errors import InputError
from bodyscan.gltf.collision import MANIFOLD_EXTENSION, is_manifold, merged_vertices
from bodyscan.gltf.consent_copies import agreed_consent, consent_copies
from bodyscan.gltf.container import unpack_glb
from bodyscan.gltf.metadata import bodyscan_extras
from bodyscan.gltf.read import DAMAGE, GlbBody, read_glb
from bodyscan.gltf.targets import Target, load_target, target_names
from bodyscan.gltf.vrm import REQUIRED_BONES, VRM_EXTENSION
from bodyscan.twin.visemes import PREFIX, VISEMES

ERROR, WARNING, INFO = "error", "warning", "info"

ARKIT_NAMES = frozenset(
    """
    browDownLeft browDownRight browInnerUp browOuterUpLeft browOuterUpRight cheekPuff cheekSquintLeft
    cheekSquintRight eyeBlinkLeft eyeBlinkRight eyeLookDownLeft eyeLookDownRight eyeLookInLeft
    eyeLookInRight eyeLookOutLeft eyeLookOutRight eyeLookUpLeft eyeLookUpRight eyeSquintLeft
    eyeSquintRight eyeWideLeft eyeWideRight jawForward jawLeft jawOpen jawRight mouthClose
    mouthDimpleLeft mouthDimpleRight mouthFrownLeft mouthFrownRight mouthFunnel mouthLeft
    mouthLowerDownLeft mouthLowerDownRight mouthPressLeft mouthPressRight mouthPucker mouthRight
    mouthRollLower mouthRollUpper mouthShrugLower mouthShrugUpper mouthSmileLeft mouthSmileRight
    mouthStretchLeft mouthStretchRight mouthUpperUpLeft mouthUpperUpRight noseSneerLeft
    noseSneerRight tongueOut
    """.split()  # noqa: SIM905
)
"""The 52 face shapes of ARKit (`ARFaceAnchor.BlendShapeLocation`)."""


@dataclass(frozen=True)
class Finding:
    """One thing that a check saw."""

    severity: str
    """`error` (readers will fail or show it wrong), `warning`, or `info`."""
    code: str
    """Stable upper-case name."""
    message: str
    pointer: str = ""
    """JSON pointer into the glTF document, where there is one."""


@dataclass(frozen=True)
class GlbBudget:
    """Limits above which a finding is made."""

    file_bytes: int = 10_000_000
    """A warning above. This is the master: for the web (5 MB) it is packed (`bodyscan.gltf.pack`)."""
    triangles: int = 30_000
    """A warning above; engines' main level of detail aims at 15 to 20 thousand."""
    joints: int = 256
    """A warning above; some engines take at most this many."""
    texture_px: int = 4096
    """A warning for an image with a longer side; the web aims at 2048."""
    weight_sum: float = 1e-5
    """Largest allowed distance of a vertex's weight sum from 1."""
    bind_m: float = 1e-5
    """Largest allowed distance between a joint node and its inverse bind matrix, metres."""


def check_glb(source: str | Path | bytes, budget: GlbBudget | None = None) -> tuple[Finding, ...]:
    """Return what is wrong or unusual with a twin's GLB; empty where nothing is.

    Raises `InputError` where the file cannot be read as a twin at all, `ConsentError` where its consent
    copies differ. The consent's signature and binding are the business of `bodyscan.consent`.
    """
    budget = budget or GlbBudget()
    document, binary = unpack_glb(source)
    body = read_glb(source)
    size = len(source) if isinstance(source, bytes) else Path(source).stat().st_size
    try:
        extras = bodyscan_extras(document)
        target = _target(extras)
        collision = extras.get("part") == "collision"
        level = extras.get("level", {}).get("index", 0)
        return (
            *_check_weights(body, budget),
            *_check_binds(body, budget),
            *_check_joints(body, target),
            *_check_surface(body, collision),
            *(() if collision else _check_morphs(body, document, target, level)),
            *_check_manifold(body, document),
            *_check_images(document, binary, budget),
            *(() if collision or target.name != "vrm" else _check_vrm(document)),
            *_check_metadata(body, document),
            *_check_budget(body, size, budget),
        )
    except DAMAGE as error:
        raise InputError(f"The file's glTF document is damaged: {error!r}.") from None


def _check_weights(body: GlbBody, budget: GlbBudget) -> Iterator[Finding]:
    sums = body.joint_weights.astype(np.float64).sum(axis=1)
    off = np.abs(sums - 1)
    if len(off) and off.max() > budget.weight_sum:
        worst = int(off.argmax())
        yield Finding(
            ERROR,
            "WEIGHTS_DO_NOT_SUM_TO_ONE",
            f"The weights of {int((off > budget.weight_sum).sum())} vertices do not sum to 1; "
            f"vertex {worst} has {sums[worst]:.6f}.",
        )
    if body.joint_weights.min(initial=0) < 0:
        yield Finding(ERROR, "NEGATIVE_WEIGHT", "Some skin weights are below 0.")


def _check_binds(body: GlbBody, budget: GlbBudget) -> Iterator[Finding]:
    if not np.isfinite(body.rest_world).all():
        raise InputError("A joint node of the file stands at no finite place.")
    residue = body.rest_world @ body.inverse_binds - np.eye(4)
    distance = np.abs(residue[:, :3]).max(axis=(1, 2))
    if distance.max() > budget.bind_m:
        worst = int(distance.argmax())
        yield Finding(
            WARNING,
            "NOT_IN_BIND_POSE",
            f"{int((distance > budget.bind_m).sum())} joints do not stand where the mesh was bound; "
            f"'{body.skeleton.joint_names[worst]}' is off by {distance[worst]:.6f} (metres or radians).",
        )


def _target(extras: Mapping[str, Any]) -> Target:
    """Return whom the file was written for; `gltf` where it does not say so or names one that is unknown."""
    name = extras.get("target")
    return load_target(name if name in target_names() else "gltf")


def _check_joints(body: GlbBody, target: Target) -> Iterator[Finding]:
    known = {*target.joints.values(), *target.roots}
    odd = [name for name in body.skeleton.joint_names if name not in known]
    if odd:
        few = ", ".join(odd[:5]) + (" ..." if len(odd) > 5 else "")
        yield Finding(
            INFO if target.other_joints else WARNING,
            "JOINT_NAME_UNKNOWN",
            f"{len(odd)} joints have names that the target {target.name} does not know: {few}",
        )


def _check_surface(body: GlbBody, collision: bool) -> Iterator[Finding]:
    if body.normals is None:
        yield Finding(WARNING, "NO_NORMALS", "The body has no normals; readers will show facets.")
    else:
        length = np.linalg.norm(body.normals.astype(np.float64), axis=1)
        if np.abs(length - 1).max(initial=0) > 1e-3:
            yield Finding(ERROR, "NORMAL_NOT_UNIT", "Some normals are not of unit length.")
    if body.uvs is None and not collision:
        yield Finding(WARNING, "NO_UVS", "The body has no texture coordinates.")
    height = float(np.ptp(body.positions[:, 1].astype(np.float64))) if len(body.positions) else 0.0
    if not 0.3 < height < 2.6:
        yield Finding(WARNING, "UNUSUAL_HEIGHT", f"The body is {height:.3f} m high: is the unit metres?")
    lowest = float(body.positions[:, 1].min(initial=0.0))
    if abs(lowest) > 0.02:
        yield Finding(INFO, "NOT_ON_THE_FLOOR", f"The lowest point is at Y = {lowest:.3f} m, not at 0.")


def _check_morphs(
    body: GlbBody, document: Mapping[str, Any], target: Target, level: int
) -> Iterator[Finding]:
    names, arkit = body.morph_names, {target.morph_name(name) for name in ARKIT_NAMES}
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        yield Finding(ERROR, "MORPH_NAME_TWICE", f"Morph names stand twice: {', '.join(twice)}.")
    visemes = {target.morph_name(PREFIX + name) for name in VISEMES}
    unknown = sorted(set(names) - arkit - visemes)
    if unknown:
        yield Finding(
            INFO,
            "MORPH_NAME_NOT_ARKIT",
            f"Morphs that are neither ARKit's nor visemes: {', '.join(unknown)}.",
        )
    missing = sorted(arkit - set(names))
    if missing and level == 0:  # a coarser level holds the shapes that still show
        few = ", ".join(missing[:5]) + (" ..." if len(missing) > 5 else "")
        yield Finding(INFO, "MORPHS_MISSING", f"{len(missing)} of the 52 ARKit shapes are missing: {few}")
    weights = [w for mesh in document.get("meshes", []) for w in mesh.get("weights", [])]
    weights += [w for node in document.get("nodes", []) for w in node.get("weights", [])]
    if any(weights):
        yield Finding(
            WARNING, "MORPH_NOT_AT_REST", "A face shape is not at 0 in the file: the person is shown changed."
        )


def _check_manifold(body: GlbBody, document: Mapping[str, Any]) -> Iterator[Finding]:
    declared = any(MANIFOLD_EXTENSION in mesh.get("extensions", {}) for mesh in document["meshes"])
    if declared and not is_manifold(merged_vertices(body.positions)[body.faces]):
        yield Finding(
            ERROR, "NOT_MANIFOLD", f"The file declares {MANIFOLD_EXTENSION}, and its surface is not closed."
        )


def _check_images(document: Mapping[str, Any], binary: bytes, budget: GlbBudget) -> Iterator[Finding]:
    from PIL import Image, UnidentifiedImageError

    for index, image in enumerate(document.get("images", [])):
        kind = image.get("mimeType", "")
        if kind not in ("image/png", "image/jpeg") or "bufferView" not in image:
            continue  # the core of glTF knows these two alone
        view = document["bufferViews"][image["bufferView"]]
        begin = view.get("byteOffset", 0)
        pointer = f"/images/{index}"
        try:
            with Image.open(io.BytesIO(binary[begin : begin + view["byteLength"]])) as picture:
                found, size = f"image/{str(picture.format).lower()}", max(picture.size)
        except UnidentifiedImageError:
            yield Finding(ERROR, "IMAGE_DAMAGED", f"Image {index} cannot be read as {kind}.", pointer)
            continue
        if found != kind:
            yield Finding(ERROR, "IMAGE_TYPE", f"Image {index} says {kind} and is {found}.", pointer)
        if size > budget.texture_px:
            yield Finding(
                WARNING,
                "OVER_BUDGET_TEXTURE",
                f"Image {index} is {size} pixels; the budget is {budget.texture_px}.",
                pointer,
            )


def _check_vrm(document: Mapping[str, Any]) -> Iterator[Finding]:
    vrm = document.get("extensions", {}).get(VRM_EXTENSION)
    if vrm is None:
        yield Finding(ERROR, "NO_VRM", f"The file is for VRM readers and has no {VRM_EXTENSION}.")
        return
    bones = vrm["humanoid"]["humanBones"]
    if missing := [bone for bone in REQUIRED_BONES if bone not in bones]:
        yield Finding(ERROR, "VRM_BONE_MISSING", f"VRM requires the bones {', '.join(missing)}.")


def _check_metadata(body: GlbBody, document: Mapping[str, Any]) -> Iterator[Finding]:
    copies = consent_copies(document)
    if agreed_consent(document) is None:
        yield Finding(ERROR, "NO_CONSENT", "The file holds no consent record.")
    elif len(copies) < 3:
        places = ", ".join(copies)
        yield Finding(
            INFO, "CONSENT_COPY_LOST", f"The consent stands in {len(copies)} of 3 places: {places}."
        )
    if body.provenance is None:
        yield Finding(WARNING, "NO_PROVENANCE", "The file does not say where it comes from.")


def _check_budget(body: GlbBody, size: int, budget: GlbBudget) -> Iterator[Finding]:
    for what, value, limit in (
        ("bytes", size, budget.file_bytes),
        ("triangles", len(body.faces), budget.triangles),
        ("joints", len(body.skeleton.joint_names), budget.joints),
    ):
        if value > limit:
            yield Finding(WARNING, f"OVER_BUDGET_{what.upper()}", f"{value} {what}; the budget is {limit}.")
