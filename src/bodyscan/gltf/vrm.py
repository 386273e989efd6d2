"""VRM 1.0: the extension VRMC_vrm, and the capsules as colliders of VRMC_springBone.

Source: VRM consortium, VRMC_vrm-1.0 (meta, humanoid, expressions, lookAt, firstPerson, tpose) and
VRMC_springBone-1.0. The terms of use come from the consent record and are closed by default. VRM's flags
know no place, medium, term or pay: a flag is opened only where the record allows the thing everywhere, in
every medium and without pay. The record itself, with all its limits, is in the file and decides.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bodyscan.consent.binding import record_of
from bodyscan.consent.fields import format_utc
from bodyscan.consent.record import (
    ALL_PRODUCT_LINES,
    ConsentRecord,
    Medium,
    Modification,
    PayKind,
    Purpose,
    Redistribution,
)
from bodyscan.consent.territories import WORLDWIDE
from bodyscan.errors import InputError
from bodyscan.gltf.skeleton_nodes import TargetSkeleton
from bodyscan.gltf.targets import HUMANOID_BONES
from bodyscan.gltf.vrm_expressions import expressions
from bodyscan.twin.look_at import LIMITS_DEG
from bodyscan.types import F64, Skeleton, Twin

VRM_EXTENSION, COLLIDER_EXTENSION = "VRMC_vrm", "VRMC_springBone"
LICENSE_URL = "https://vrm.dev/licenses/1.0/"
REQUIRED_BONES = (
    "hips",
    "spine",
    "head",
    *(
        side + bone
        for bone in ("UpperLeg", "LowerLeg", "Foot", "UpperArm", "LowerArm", "Hand")
        for side in ("left", "right")
    ),
)
NEEDS: Mapping[str, str] = {
    "upperChest": "chest",
    **{
        f"{side}{finger}{outer}": f"{side}{finger}{inner}"
        for side in ("left", "right")
        for finger, segments in (
            ("Thumb", ("Metacarpal", "Proximal", "Distal")),
            *(
                (name, ("Proximal", "Intermediate", "Distal"))
                for name in ("Index", "Middle", "Ring", "Little")
            ),
        )
        for inner, outer in itertools.pairwise(segments)
    },
}
"""Bones that VRM takes only together with another one."""
SIDES = ("left", "right")
BONE_DEGREES = {
    "HorizontalInner": LIMITS_DEG["inner"],
    "HorizontalOuter": LIMITS_DEG["outer"],
    "VerticalDown": LIMITS_DEG["down"],
    "VerticalUp": LIMITS_DEG["up"],
}
"""Up to here eyes that are bones follow a look degree for degree; the head serves the rest."""
SHAPE_DEGREES = {"HorizontalInner": 15.0, "HorizontalOuter": 14.0, "VerticalDown": 11.0, "VerticalUp": 10.0}
"""How far the look shapes of the packaged body turn the eyes at weight 1 (`twin.look_at.eye_turns_deg`)."""


def vrm_extensions(
    twin: Twin,
    consent: str,
    skeleton: TargetSkeleton,
    morph_names: Sequence[str],
    capsules: Sequence[Mapping[str, Any]],
    *,
    body_node: int,
    first_joint_node: int,
) -> dict[str, Any]:
    """Return the root extensions of a VRM 1.0 file.

    `consent`: the signed record of the surface that is written; `skeleton`: the joints as they stand in the
    file, joint j is node `first_joint_node` + j; `morph_names`: the mesh's targets; `capsules`: as they stand
    in the extras. Raises `InputError` where a bone that VRM requires is missing, `ConsentError` where the
    consent is no sound signed record.
    """
    nodes = {name: first_joint_node + joint for joint, name in enumerate(skeleton.names)}
    vrm: dict[str, Any] = {
        "specVersion": "1.0",
        "meta": vrm_meta(record_of(consent), twin.provenance.body_model),
        "humanoid": {"humanBones": _human_bones(nodes)},
        "firstPerson": {"meshAnnotations": [{"node": body_node, "type": "auto"}]},
        "expressions": expressions(morph_names, body_node),
    }
    look = _look_at(twin)
    if look is not None:
        vrm["lookAt"] = look
    extensions: dict[str, Any] = {VRM_EXTENSION: vrm}
    if capsules:
        extensions[COLLIDER_EXTENSION] = _colliders(capsules, nodes)
    return extensions


def vrm_meta(record: ConsentRecord, body_model: str) -> dict[str, Any]:
    """Return VRM's `meta` for a consent record; what the record does not allow is not allowed."""
    purposes, scope = set(record.scope.purposes), record.scope
    # A limit that VRM's flags cannot tell keeps them closed.
    unlimited = (
        WORLDWIDE in scope.territories
        and Medium.ALL in scope.media
        and ALL_PRODUCT_LINES in scope.product_lines
        and record.pay.kind is PayKind.UNPAID
        and not scope.prohibited_uses
        and not record.subject.minor
    )

    def open_(*needed: Purpose) -> bool:
        return unlimited and purposes.issuperset(needed)

    # VRM means people who are licensed in a document of their own, which is what licensees are.
    others_act = bool(record.licensees) and Purpose.ANIMATION in purposes
    handed_on = open_(Purpose.EXPORT) and scope.redistribution is Redistribution.ANYONE
    changed = handed_on and scope.modification is Modification.APPEARANCE
    return {
        "name": record.subject.pseudonym,
        "authors": [record.controller.name],
        "copyrightInformation": (
            f"The likeness of {record.subject.pseudonym}. Use is allowed by the consent record "
            f"{record.record_id} in this file and within its scope alone, from "
            f"{format_utc(record.term.not_before)} until {format_utc(record.term.not_after)}. "
            f"The person can take it back: {record.withdrawal.address}"
        ),
        "contactInformation": record.controller.contact,
        "thirdPartyLicenses": f"Body model: {body_model}",
        "licenseUrl": LICENSE_URL,
        "avatarPermission": "onlySeparatelyLicensedPerson" if others_act else "onlyAuthor",
        "commercialUsage": "corporation" if open_(Purpose.ADVERTISING) else "personalNonProfit",
        "allowExcessivelyViolentUsage": False,
        "allowExcessivelySexualUsage": False,
        "allowPoliticalOrReligiousUsage": False,
        "allowAntisocialOrHateUsage": False,
        "creditNotation": "required",
        "allowRedistribution": handed_on,
        "modification": "allowModificationRedistribution" if changed else "prohibited",
    }


def _human_bones(nodes: Mapping[str, int]) -> dict[str, dict[str, int]]:
    missing = [bone for bone in REQUIRED_BONES if bone not in nodes]
    if missing:
        raise InputError(
            f"VRM needs the bones {', '.join(missing)}, which this twin does not have. "
            "Make it from the packaged body, or write another target."
        )
    bones = {}
    for bone in HUMANOID_BONES:
        needed = NEEDS.get(bone)
        if bone in nodes and (needed is None or needed in nodes):
            bones[bone] = {"node": nodes[bone]}
    return bones


def _look_at(twin: Twin) -> dict[str, Any] | None:
    """Eyes turn as bones where the skeleton has them, else by the look shapes. None where no eye is known."""
    skeleton = twin.rig.skeleton
    by_bone = {"leftEye", "rightEye"} <= set(skeleton.joint_names)
    eyes = _eyes(twin, skeleton, by_bone)
    shaped = any(morph.name.startswith("eyeLook") for morph in twin.morphs)
    if eyes is None or not (by_bone or shaped):
        return None
    offset = eyes - skeleton.positions[skeleton.joint_names.index("head")]
    # Either way the eyes turn to what they look at, as far as they can.
    turns = BONE_DEGREES if by_bone else SHAPE_DEGREES
    ranges = {
        f"rangeMap{name}": {"inputMaxValue": degrees, "outputScale": degrees if by_bone else 1.0}
        for name, degrees in turns.items()
    }
    return {
        "type": "bone" if by_bone else "expression",
        "offsetFromHeadBone": [float(x) for x in offset],
        **ranges,
    }


def _eyes(twin: Twin, skeleton: Skeleton, by_bone: bool) -> F64 | None:
    """Return the point (3,) between the eyes, bind pose, metres, or None."""
    if by_bone:
        return np.mean([skeleton.positions[skeleton.joint_names.index(f"{s}Eye")] for s in SIDES], axis=0)
    names = [f"{side}_eye_centre" for side in SIDES]
    if not twin.landmarks.keys() >= set(names):
        return None
    return np.mean([twin.landmarks[name] for name in names], axis=0)


def _colliders(capsules: Sequence[Mapping[str, Any]], nodes: Mapping[str, int]) -> dict[str, Any]:
    """The capsules for hair and cloth that swings. VRM's have one radius: the wider end's."""
    colliders = [
        {
            "node": nodes[capsule["joint"]],
            "shape": {
                "capsule": {
                    "offset": capsule["start"],
                    "radius": max(capsule["start_radius_m"], capsule["end_radius_m"]),
                    "tail": capsule["end"],
                }
            },
        }
        for capsule in capsules
    ]
    group = {"name": "body", "colliders": list(range(len(colliders)))}
    return {"specVersion": "1.0", "colliders": colliders, "colliderGroups": [group]}
