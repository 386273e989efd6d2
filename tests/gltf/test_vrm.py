from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from bodyscan.body.asset import load_body_model
from bodyscan.consent.demo import make_demo_consent
from bodyscan.consent.record import (
    AI_PURPOSES,
    ALL_PRODUCT_LINES,
    ConsentRecord,
    Licensee,
    Medium,
    Modification,
    Pay,
    PayKind,
    ProhibitedUse,
    Purpose,
    Redistribution,
    Scope,
)
from bodyscan.errors import ConsentError, InputError
from bodyscan.gltf import GltfOptions, read_glb, twin_to_glb
from bodyscan.gltf.container import pack_glb, unpack_glb
from bodyscan.gltf.khronos import khronos_findings
from bodyscan.gltf.targets import HUMANOID_BONES
from bodyscan.gltf.validate import ARKIT_NAMES, check_glb
from bodyscan.gltf.vrm import REQUIRED_BONES, SHAPE_DEGREES, vrm_meta
from bodyscan.gltf.vrm_expressions import expressions
from bodyscan.twin.look_at import eye_turns_deg
from bodyscan.twin.visemes import VISEMES, visemes
from bodyscan.types import Skeleton
from gltf.complete import with_parts
from gltf.full_size import full_size_twin
from gltf.shapes import small_twin
from gltf.tools import need_npm_package

VRM = GltfOptions(target="vrm")
PRESETS = {
    *("happy", "angry", "sad", "relaxed", "surprised", "neutral"),
    *("aa", "ih", "ou", "ee", "oh"),
    *("blink", "blinkLeft", "blinkRight", "lookUp", "lookDown", "lookLeft", "lookRight"),
}
"""All presets of VRM 1.0."""
ALLOWED = {
    "": {"specVersion", "meta", "humanoid", "firstPerson", "lookAt", "expressions"},
    "meta": {
        *("name", "version", "authors", "copyrightInformation", "contactInformation", "references"),
        *("thirdPartyLicenses", "thumbnailImage", "licenseUrl", "avatarPermission"),
        *("allowExcessivelyViolentUsage", "allowExcessivelySexualUsage", "commercialUsage"),
        *("allowPoliticalOrReligiousUsage", "allowAntisocialOrHateUsage", "creditNotation"),
        *("allowRedistribution", "modification", "otherLicenseUrl"),
    },
    "lookAt": {
        *("type", "offsetFromHeadBone", "rangeMapHorizontalInner", "rangeMapHorizontalOuter"),
        *("rangeMapVerticalDown", "rangeMapVerticalUp"),
    },
    "expression": {
        *("morphTargetBinds", "materialColorBinds", "textureTransformBinds", "isBinary"),
        *("overrideBlink", "overrideLookAt", "overrideMouth"),
    },
}
"""Keys that the specification knows."""


@pytest.fixture(scope="module")
def twin():
    return with_parts(full_size_twin("t"))


@pytest.fixture(scope="module")
def document(twin):
    return unpack_glb(twin_to_glb(twin, VRM))[0]


def extension(data: bytes) -> dict:
    return unpack_glb(data)[0]["extensions"]["VRMC_vrm"]


def without_eyes(twin):
    """Return the twin without eye and jaw joints; what hung on them hangs on the head."""
    skeleton = twin.rig.skeleton
    names = skeleton.joint_names
    kept = [joint for joint, name in enumerate(names) if name not in ("leftEye", "rightEye", "jaw")]
    head = names.index("head")
    new = np.array([kept.index(joint if joint in kept else head) for joint in range(len(names))])
    parents = [new[skeleton.parents[joint]] if skeleton.parents[joint] >= 0 else -1 for joint in kept]
    bare = Skeleton(tuple(names[joint] for joint in kept), np.array(parents), skeleton.positions[kept])
    eyes = {
        f"{side}_eye_centre": tuple(skeleton.positions[names.index(f"{side}Eye")])
        for side in ("left", "right")
    }
    rig = replace(twin.rig, skeleton=bare, joint_indices=new[twin.rig.joint_indices])
    return replace(twin, rig=rig, landmarks=eyes, collision=None, levels=())


SHOP = (Licensee(name="Shop"),)
ACTED = {"avatarPermission": "onlySeparatelyLicensedPerson"}
SHARE = Pay(kind=PayKind.SHARE, share_percent="5", due_days=1, account="A1")


def record(**changes) -> ConsentRecord:
    demo = make_demo_consent("Alba").record
    purposes = changes.pop("purposes", (Purpose.MAKE_TWIN,))
    anyone = Redistribution.ANYONE if Purpose.EXPORT in purposes else Redistribution.NONE
    scope = Scope(
        description="A test.",
        purposes=purposes,
        territories=changes.pop("territories", ("worldwide",)),
        media=changes.pop("media", (Medium.ALL,)),
        product_lines=changes.pop("product_lines", (ALL_PRODUCT_LINES,)),
        prohibited_uses=changes.pop("prohibited_uses", ()),
        modification=changes.pop("modification", Modification.POSE),
        redistribution=changes.pop("redistribution", anyone),
    )
    return demo.model_copy(update={"scope": scope, "pay": Pay(kind=PayKind.UNPAID), **changes})


def test_the_extension_holds_what_the_specification_requires(document):
    vrm = document["extensions"]["VRMC_vrm"]
    assert "VRMC_vrm" in document["extensionsUsed"]
    assert vrm["specVersion"] == "1.0"
    assert set(vrm) <= ALLOWED[""]
    assert {"meta", "humanoid"} <= set(vrm)
    assert {"name", "authors", "licenseUrl"} <= set(vrm["meta"]) <= ALLOWED["meta"]
    assert set(vrm["lookAt"]) <= ALLOWED["lookAt"]
    for each in (*vrm["expressions"]["preset"].values(), *vrm["expressions"]["custom"].values()):
        assert set(each) <= ALLOWED["expression"]
        assert {each.get(f"override{what}", "none") for what in ("Blink", "LookAt", "Mouth")} <= {
            *("none", "block", "blend")
        }


def test_every_humanoid_bone_is_the_node_of_its_name(document):
    bones = document["extensions"]["VRMC_vrm"]["humanoid"]["humanBones"]
    assert set(bones) == set(HUMANOID_BONES)
    assert len(REQUIRED_BONES) == 15
    assert {name: document["nodes"][bone["node"]]["name"] for name, bone in bones.items()} == {
        name: name for name in bones
    }


@pytest.mark.parametrize("bone", ["head", "leftHand"])
def test_a_required_bone_that_is_missing_is_refused(bone, twin):
    names = tuple("other" if name == bone else name for name in twin.rig.skeleton.joint_names)
    skeleton = replace(twin.rig.skeleton, joint_names=names)
    bare = replace(twin, rig=replace(twin.rig, skeleton=skeleton), collision=None)
    with pytest.raises(InputError, match=rf"VRM needs the bones {bone}, which this twin does not have"):
        twin_to_glb(bare, VRM)


def test_a_finger_joint_is_left_out_without_the_one_before_it(twin):
    names = tuple("knuckle" if n == "leftIndexProximal" else n for n in twin.rig.skeleton.joint_names)
    skeleton = replace(twin.rig.skeleton, joint_names=names)
    bare = replace(twin, rig=replace(twin.rig, skeleton=skeleton), collision=None)
    bones = extension(twin_to_glb(bare, VRM))["humanoid"]["humanBones"]
    assert set(HUMANOID_BONES) - set(bones) == {"leftIndexProximal", "leftIndexIntermediate"}


def test_a_consent_that_nobody_signed_gives_no_vrm():
    twin = replace(full_size_twin("t"), consent='{"demo": true}')
    with pytest.raises(ConsentError, match="The consent is altered"):
        twin_to_glb(twin, VRM)


def test_meta_names_person_controller_record_and_term(document):
    meta = document["extensions"]["VRMC_vrm"]["meta"]
    demo = make_demo_consent("Alba").record
    assert meta["name"] == "DEMO Alba"
    assert meta["authors"] == [demo.controller.name]
    assert meta["contactInformation"] == demo.controller.contact
    assert meta["licenseUrl"] == "https://vrm.dev/licenses/1.0/"
    assert demo.record_id in meta["copyrightInformation"]
    assert "until 2125-01-01T00:00:00Z" in meta["copyrightInformation"]
    assert demo.withdrawal.address in meta["copyrightInformation"]
    assert meta["thirdPartyLicenses"] == "Body model: test body 1 (CC0-1.0)"


CLOSED = {
    "avatarPermission": "onlyAuthor",
    "commercialUsage": "personalNonProfit",
    "allowRedistribution": False,
    "modification": "prohibited",
    "creditNotation": "required",
    "allowExcessivelyViolentUsage": False,
    "allowExcessivelySexualUsage": False,
    "allowPoliticalOrReligiousUsage": False,
    "allowAntisocialOrHateUsage": False,
}
ALL = tuple(purpose for purpose in Purpose if purpose not in AI_PURPOSES)


@pytest.mark.parametrize(
    ("changes", "opened"),
    [
        ({}, {}),
        ({"purposes": (Purpose.MAKE_TWIN, Purpose.RENDER, Purpose.ANIMATION)}, {}),
        ({"purposes": (Purpose.ADVERTISING,)}, {"commercialUsage": "corporation"}),
        ({"purposes": (Purpose.EXPORT,)}, {"allowRedistribution": True}),
        ({"purposes": (Purpose.EXPORT,), "redistribution": Redistribution.LICENSEES}, {}),
        (
            {"purposes": (Purpose.EXPORT,), "modification": Modification.APPEARANCE},
            {"allowRedistribution": True, "modification": "allowModificationRedistribution"},
        ),
        ({"purposes": (Purpose.RENDER,), "modification": Modification.APPEARANCE}, {}),
        (
            {"purposes": ALL},
            {
                "commercialUsage": "corporation",
                "allowRedistribution": True,
            },
        ),
        # A limit that VRM's flags cannot tell keeps them closed.
        ({"purposes": ALL, "territories": ("DE",)}, {}),
        ({"purposes": ALL, "media": (Medium.WEB,)}, {}),
        ({"purposes": ALL, "product_lines": ("coats",)}, {}),
        ({"purposes": ALL, "prohibited_uses": (ProhibitedUse.NUDITY,)}, {}),
        ({"purposes": ALL, "media": (Medium.WEB,), "licensees": SHOP}, ACTED),
        ({"purposes": (Purpose.RENDER,), "licensees": SHOP}, {}),
        ({"purposes": ALL, "pay": SHARE}, {}),
    ],
)
def test_what_the_record_does_not_allow_is_not_allowed(changes, opened):
    assert Purpose.AI_TRAINING not in ALL
    meta = vrm_meta(record(**changes), "body")
    assert {key: meta[key] for key in CLOSED} == CLOSED | opened


def test_all_presets_are_there_and_name_shapes_of_the_mesh(document, twin):
    made = document["extensions"]["VRMC_vrm"]["expressions"]
    names = document["meshes"][0]["extras"]["targetNames"]
    assert set(made["preset"]) == PRESETS
    assert set(made["custom"]) >= ARKIT_NAMES
    assert len([name for name in made["custom"] if name.startswith("viseme_")]) == 15
    assert not set(made["custom"]) & PRESETS
    assert names == [morph.name for morph in twin.morphs]
    for each in (*made["preset"].values(), *made["custom"].values()):
        for bind in each.get("morphTargetBinds", []):
            assert document["nodes"][bind["node"]]["mesh"] == 0
            assert 0 <= bind["index"] < len(names)
            assert 0 < bind["weight"] <= 1


def shapes_of(made: dict, names: Sequence[str]) -> dict[str, float]:
    return {names[bind["index"]]: bind["weight"] for bind in made.get("morphTargetBinds", [])}


def test_expressions_move_what_they_mean():
    names = sorted(ARKIT_NAMES)
    made = expressions(names, 0)["preset"]
    assert shapes_of(made["blink"], names) == {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0}
    assert shapes_of(made["blinkLeft"], names) == {"eyeBlinkLeft": 1.0}
    # To the person's left: the left eye turns out, the right one in.
    assert shapes_of(made["lookLeft"], names) == {"eyeLookOutLeft": 1.0, "eyeLookInRight": 1.0}
    assert shapes_of(made["ee"], names) == VISEMES["E"]
    assert (
        shapes_of(made["happy"], names)["mouthSmileLeft"]
        == shapes_of(made["happy"], names)["mouthSmileRight"]
    )
    assert "morphTargetBinds" not in made["neutral"]
    assert made["surprised"]["overrideMouth"] == "blend"


def test_an_expression_without_a_shape_of_its_own_is_left_out():
    made = expressions(["jawOpen"], 0)
    assert set(made["preset"]) == {"neutral", "aa", "ih", "ou", "ee", "oh", "surprised"}
    assert made["custom"]["jawOpen"]["morphTargetBinds"] == [{"node": 0, "index": 0, "weight": 1.0}]
    assert set(expressions([], 0)["preset"]) == {"neutral"}


def test_a_viseme_that_the_twin_has_is_that_shape_alone():
    names = [*sorted(ARKIT_NAMES), "viseme_PP"]
    made = expressions(names, 0)["custom"]
    assert shapes_of(made["viseme_PP"], names) == {"viseme_PP": 1.0}
    assert shapes_of(made["viseme_FF"], names) == VISEMES["FF"]


def test_visemes_are_mixed_by_the_reader_and_not_written_as_shapes(twin):
    shapes = twin.morphs + visemes(twin.morphs)
    spoken = replace(twin, morphs=shapes)
    data = twin_to_glb(spoken, VRM)
    assert data == twin_to_glb(twin, VRM)
    custom = extension(data)["expressions"]["custom"]
    names = [morph.name for morph in twin.morphs]
    assert shapes_of(custom["viseme_oh"], names) == VISEMES["oh"]
    assert read_glb(twin_to_glb(spoken)).morph_names == tuple(morph.name for morph in shapes)


def test_eyes_that_are_bones_turn_as_bones(document, twin):
    look = document["extensions"]["VRMC_vrm"]["lookAt"]
    skeleton = twin.rig.skeleton
    left, right, head = (
        skeleton.positions[skeleton.joint_names.index(name)] for name in ("leftEye", "rightEye", "head")
    )
    assert look["type"] == "bone"
    assert np.allclose(look["offsetFromHeadBone"], (left + right) / 2 - head)
    # Between the eyes: ahead of the head joint and above it.
    assert 0.02 < look["offsetFromHeadBone"][1] < 0.1
    assert 0.03 < look["offsetFromHeadBone"][2] < 0.15
    for name in ("HorizontalInner", "HorizontalOuter", "VerticalDown", "VerticalUp"):
        # The eyes follow the look degree for degree until their own limit.
        assert look[f"rangeMap{name}"]["inputMaxValue"] == look[f"rangeMap{name}"]["outputScale"]


def test_eyes_that_are_no_bones_turn_by_shapes(twin):
    look = extension(twin_to_glb(without_eyes(twin), VRM))["lookAt"]
    with_bones = extension(twin_to_glb(twin, VRM))["lookAt"]
    assert look["type"] == "expression"
    assert np.allclose(look["offsetFromHeadBone"], with_bones["offsetFromHeadBone"])
    assert {look[f"rangeMapVertical{way}"]["outputScale"] for way in ("Up", "Down")} == {1.0}


@pytest.mark.parametrize("age", ["adult", "child"])
def test_shapes_turn_the_eyes_as_far_as_the_file_says(age):
    turns = eye_turns_deg(load_body_model(age))
    for name, way in (
        ("HorizontalInner", "inner"),
        ("HorizontalOuter", "outer"),
        ("VerticalDown", "down"),
        ("VerticalUp", "up"),
    ):
        assert abs(SHAPE_DEGREES[name] - turns[way]) < 1.0  # degrees


def test_a_twin_whose_eyes_are_unknown_has_no_look(twin):
    blind = replace(without_eyes(twin), landmarks={})
    assert "lookAt" not in extension(twin_to_glb(blind, VRM))


def test_capsules_are_colliders_with_the_wider_radius(document, twin):
    springs = document["extensions"]["VRMC_springBone"]
    (collider,) = springs["colliders"]
    assert springs["specVersion"] == "1.0"
    assert document["nodes"][collider["node"]]["name"] == "leftUpperArm"
    assert collider["shape"]["capsule"]["radius"] == 0.05
    assert np.allclose(collider["shape"]["capsule"]["offset"], 0, atol=1e-6)
    assert springs["colliderGroups"][0]["colliders"] == [0]


def test_a_vrm_stands_on_the_floor_in_the_t_pose_and_has_no_tangents(twin):
    data = twin_to_glb(twin, VRM)
    body = read_glb(data)
    assert abs(body.positions[:, 1].min()) < 1e-4
    places = dict(zip(body.skeleton.joint_names, body.skeleton.positions, strict=True))
    assert abs(places["leftUpperArm"][1] - places["leftHand"][1]) < 0.01
    assert places["leftHand"][0] > 0 > places["rightHand"][0]
    assert places["leftToes"][2] > places["leftFoot"][2] + 0.05
    document, _ = unpack_glb(data)
    assert "TANGENT" not in document["meshes"][0]["primitives"][0]["attributes"]


def test_a_vrm_without_its_extension_or_bones_is_found(twin):
    document, binary = unpack_glb(twin_to_glb(twin, VRM))
    del document["extensions"]["VRMC_vrm"]["humanoid"]["humanBones"]["leftFoot"]
    assert [f.code for f in check_glb(pack_glb(document, binary))] == ["VRM_BONE_MISSING"]
    del document["extensions"]["VRMC_vrm"]
    assert [f.code for f in check_glb(pack_glb(document, binary))] == ["NO_VRM"]


def test_levels_of_a_vrm_are_vrms_with_the_shapes_they_have(twin):
    from bodyscan.gltf.levels import level_to_glb

    vrm = extension(level_to_glb(twin, 1, VRM))
    # The thinned level keeps the first shape alone.
    assert [name for name in vrm["expressions"]["custom"] if name in ARKIT_NAMES] == [twin.morphs[0].name]
    assert extension(twin_to_glb(twin, replace(VRM, morphs=False)))["expressions"]["custom"].keys() == {
        "viseme_sil"
    }


def test_other_targets_are_no_vrm():
    assert "VRMC_vrm" not in unpack_glb(twin_to_glb(small_twin()))[0]["extensions"]


@pytest.mark.node
def test_the_khronos_validator_misses_only_tangents_which_vrm_leaves_out(twin):
    findings = khronos_findings(twin_to_glb(twin, VRM), need_npm_package("gltf-validator"))
    worse = [f.code for f in findings if f.severity in ("error", "warning")]
    assert worse == ["MESH_PRIMITIVE_GENERATED_TANGENT_SPACE"]
    smooth = replace(twin, textures=replace(twin.textures, normal=None))
    findings = khronos_findings(twin_to_glb(smooth, VRM), need_npm_package("gltf-validator"))
    assert [f for f in findings if f.severity in ("error", "warning")] == []
