"""What is no attack: the honest twin, and changes that tools and time make, which must still be allowed."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np

from bodyscan.consent.evidence import Evidence, TrustedKeys
from bodyscan.consent.policy import Use
from bodyscan.consent.record import Purpose
from bodyscan.consent.state import BindingVerdict
from bodyscan.gltf.container import pack_glb, unpack_glb
from bodyscan.gltf.pack.options import profile
from bodyscan.gltf.pack.pack import pack
from consent.attacks_base import (
    USE,
    Case,
    Glb,
    Rows,
    allow,
    bound_to_honest,
    bundle,
    honest,
    known,
    signed_record,
    with_text,
)
from consent.people import ANNA, NOW, SHOP, STUDIO
from consent.status_lists import both

HARMLESS = Rows("What is no attack")
BY_KEY = replace(USE, licensee=SHOP.thumbprint)


@HARMLESS.row("The honest twin.", allow(reason="it covers virtual_try_on"))
def _honest() -> bytes:
    return honest()


@HARMLESS.row("The honest twin before a verifier who knows the keys of both sides.", allow())
def _known_keys() -> Case:
    trusted = TrustedKeys(frozenset({ANNA.thumbprint}), frozenset({STUDIO.thumbprint}))
    return Case(honest(), replace(known(), trusted=trusted))


@HARMLESS.row(
    "The signed record alone, without a body.",
    allow(geometry=None),
    use=Use(Purpose.MAKE_TWIN),
)
def _record_alone() -> str:
    return signed_record()


def _packed(name: str) -> bytes:
    document, binary = unpack_glb(honest())
    return pack_glb(*pack(document, binary, profile(name)))


KEPT = {"rig": "kept", "morphs": "kept", "texture": "kept"}


@HARMLESS.row("Packed for the web by our own packer.", allow(BindingVerdict.REPACKED, "repacked"))
def _web() -> bytes:
    return _packed("web")


@HARMLESS.row("Packed for phones by our own packer.", allow(BindingVerdict.REPACKED, "repacked"))
def _mobile() -> bytes:
    return _packed("mobile")


def _shuffled(value: Any, order: random.Random) -> Any:
    if isinstance(value, dict):
        names = list(value)
        order.shuffle(names)
        return {name: _shuffled(value[name], order) for name in names}
    return [_shuffled(item, order) for item in value] if isinstance(value, list) else value


@HARMLESS.row("The glTF's JSON is written again with its keys in another order.", allow())
def _document_order() -> bytes:
    document, binary = unpack_glb(honest())
    return pack_glb(_shuffled(document, random.Random(1)), binary)


@HARMLESS.row("The consent's outer JSON is written again, indented, its keys in another order.", allow())
def _consent_order() -> bytes:
    return with_text(json.dumps(_shuffled(bundle(), random.Random(2)), indent=2))


@HARMLESS.row("Vertices and triangles in another order.", allow())
def _vertex_order() -> bytes:
    glb = Glb()
    faces = glb.array(glb.primitive["indices"]).reshape(-1, 3)
    faces[:] = np.roll(faces[::-1].copy(), 1, axis=1)
    return glb.to_bytes()


@HARMLESS.row("Minus zero in place of zero in the positions.", allow())
def _minus_zero_position() -> bytes:
    glb = Glb()
    points = glb.attribute("POSITION")
    points[points == 0] = np.float32(-0.0)
    return glb.to_bytes()


@HARMLESS.row("Joints are called otherwise, and a root stands above them.", allow())
def _renamed_joints() -> bytes:
    glb = Glb()
    nodes = glb.document["nodes"]
    for number, node in enumerate(nodes[1:]):
        node["name"] = f"Bone.{number:03}"
    nodes.append({"name": "root", "children": [0, 1]})
    glb.document["scenes"][0]["nodes"] = [len(nodes) - 1]
    return glb.to_bytes()


def _without_extension(glb: Glb) -> None:
    del glb.document["extensions"]["BODYSCAN_consent"]


def _without_xmp(glb: Glb) -> None:
    del glb.document["extensions"]["KHR_xmp_json_ld"], glb.document["asset"]["extensions"]


def _without_extras(glb: Glb) -> None:
    del glb.document["nodes"][0]["extras"]


for _removed, _place in (
    (_without_extension, "The root extension"),
    (_without_xmp, "The XMP packet"),
    (_without_extras, "The body node's extras"),
):

    @HARMLESS.row(f"{_place} with its copy of the consent is removed.", allow(copies=2))
    def _lost(removed: Any = _removed) -> bytes:
        glb = Glb()
        removed(glb)
        return glb.to_bytes()


@HARMLESS.row("Two of three copies of the consent are removed.", allow(copies=1))
def _two_lost() -> bytes:
    glb = Glb()
    _without_extension(glb)
    _without_extras(glb)
    return glb.to_bytes()


@HARMLESS.row("Bytes behind the end of the GLB, which no reader looks at.", allow())
def _trailing() -> bytes:
    return honest() + b"PK\x03\x04 a second file"


@HARMLESS.row("The studio's clock went four minutes fast when it bound the twin.", allow(), now=NOW)
def _skew_binding() -> bytes:
    return bound_to_honest(signed_record(), created_at=NOW + timedelta(minutes=4))


@HARMLESS.row("The issuer's clock goes four minutes fast.", allow())
def _skew_list() -> Case:
    return Case(honest(), Evidence(status_lists=tuple(both(1, valid_from=NOW + timedelta(minutes=4)))))


@HARMLESS.row("Status lists of other records, and texts that are none, lie beside the right ones.", allow())
def _noise() -> Case:
    lists = ("hello", *known().status_lists, "a.b.c", "{}")
    return Case(honest(), Evidence(status_lists=lists, withdrawals=("{}", "hello")))


@HARMLESS.row("The material is marked as one without light (KHR_materials_unlit).", allow())
def _unlit() -> bytes:
    glb = Glb()
    glb.material["extensions"] = {"KHR_materials_unlit": {}}
    glb.document["extensionsUsed"].append("KHR_materials_unlit")
    return glb.to_bytes()


@HARMLESS.row("The licensee is named by the thumbprint of their key.", allow(), use=BY_KEY)
def _by_key() -> bytes:
    return honest()
