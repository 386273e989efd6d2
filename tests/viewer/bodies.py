"""Small twins with a bound consent, as files, and what is done to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from bodyscan.consent import bind, seal
from bodyscan.consent.content import content_of
from bodyscan.gltf import twin_to_glb
from bodyscan.gltf.container import pack_glb, unpack_glb
from bodyscan.gltf.pack.options import PackOptions
from bodyscan.gltf.pack.pack import pack
from bodyscan.types import SkinTextures, Twin
from consent.people import NOW, STUDIO, signed
from gltf.complete import checker_textures
from gltf.shapes import small_twin

PACKINGS = {
    "quantised": PackOptions(quantize=True),
    "meshopt": PackOptions(compress="meshopt", quantize=True),
    "meshopt, floats": PackOptions(compress="meshopt", float_positions=True, quantize=True),
    "12 bits": PackOptions(compress="meshopt", quantize=True, position_bits=12),
}


def bound(twin: Twin, record: str | None = None) -> Twin:
    """Return the twin with a consent that is bound to it."""
    made = seal(content_of(twin.rig, twin.morphs, twin.textures))
    text = bind(record or signed(), made, STUDIO, created_at=NOW, software="bodyscan test")
    return replace(twin, consent=text)


@cache
def plain_twin() -> Twin:
    """A small twin with vertex colours and three face shapes."""
    return bound(small_twin())


@cache
def textured_twin() -> Twin:
    """A small twin with a checker as its skin."""
    return bound(small_twin(textures=checker_textures(128)))


@cache
def bound_text() -> str:
    """The consent text of `plain_twin`."""
    assert plain_twin().consent is not None
    return str(plain_twin().consent)


def packed(data: bytes, packing: PackOptions) -> bytes:
    """Return a twin's file made smaller."""
    return pack_glb(*pack(*unpack_glb(data), packing))


def moved(twin: Twin, move: Callable[[np.ndarray], np.ndarray]) -> bytes:
    """Return the file of a twin whose vertices were moved after it was bound."""
    mesh = twin.rig.mesh
    return twin_to_glb(
        replace(twin, rig=replace(twin.rig, mesh=replace(mesh, vertices=move(mesh.vertices.copy()))))
    )


def edited(twin: Twin, edit: Callable[[dict[str, Any]], None], data: bytes | None = None) -> bytes:
    """Return a twin's file with its glTF document changed in place by `edit`."""
    document, binary = unpack_glb(data or twin_to_glb(twin))
    edit(document)
    return pack_glb(document, binary)


def edits(twin: Twin) -> dict[str, bytes]:
    """Return name -> file: what people do to a twin's body, rig and shapes."""
    rig, mesh, morphs = twin.rig, twin.rig.mesh, twin.morphs
    hands = np.where(rig.joint_indices == 4, 0, rig.joint_indices)
    assert mesh.colors is not None
    lighter = np.clip(mesh.colors.astype(int) + 3, 0, 255).astype(np.uint8)
    inside_out = replace(mesh, faces=mesh.faces[:, ::-1])
    files = {
        "girth + 1 %": moved(twin, lambda at: at * (1.01, 1, 1.01)),
        "one vertex": moved(twin, lambda at: at + 0.02 * (np.arange(len(at)) == 40)[:, None]),
        "a tenth of a millimetre": moved(twin, lambda at: at + 1e-4),
        "in centimetres": moved(twin, lambda at: at * 100),
        "in feet": moved(twin, lambda at: at * 3.28084),
        "half a per cent larger": moved(twin, lambda at: at * 1.05),
        "mirrored": moved(twin, lambda at: at * (-1, 1, 1)),
        "Z up": moved(twin, lambda at: at[:, [0, 2, 1]] * (1, -1, 1)),
        "a step aside": moved(twin, lambda at: at + np.array([0.5, 0, 0])),
        "inside out": twin_to_glb(replace(twin, rig=replace(rig, mesh=inside_out))),
        "without an arm": twin_to_glb(
            replace(twin, rig=replace(rig, mesh=replace(mesh, faces=mesh.faces[:800])))
        ),
        "other weights": twin_to_glb(replace(twin, rig=replace(rig, joint_indices=hands))),
        "a larger smile": twin_to_glb(
            replace(twin, morphs=(replace(morphs[0], deltas=morphs[0].deltas * 1.5), *morphs[1:]))
        ),
        "a shape of its own": twin_to_glb(
            replace(twin, morphs=(replace(morphs[0], name="grin"), *morphs[1:]))
        ),
        "a shape less": twin_to_glb(replace(twin, morphs=morphs[1:])),
        "no shapes": twin_to_glb(replace(twin, morphs=())),
        "other colours": twin_to_glb(
            replace(twin, rig=replace(rig, mesh=replace(mesh, colors=255 - mesh.colors)))
        ),
        "slightly lighter": twin_to_glb(replace(twin, rig=replace(rig, mesh=replace(mesh, colors=lighter)))),
    }
    return files | {name: packed(twin_to_glb(twin), packing) for name, packing in PACKINGS.items()}


def _scaled(document: dict[str, Any]) -> None:
    document["nodes"][document["skins"][0]["joints"][0]]["scale"] = [2, 2, 2]


def _second_body(document: dict[str, Any]) -> None:
    node = {**document["nodes"][0], "translation": [1, 0, 0]}
    node.pop("skin")
    node.pop("extras", None)
    document["nodes"].append(node)


def _cycle(document: dict[str, Any]) -> None:
    joint = document["skins"][0]["joints"][0]
    document["nodes"][joint].setdefault("children", []).append(joint)


DOCUMENT_EDITS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "no extension": lambda document: document["extensions"].pop("BODYSCAN_consent"),
    "no packet": lambda document: document["extensions"].pop("KHR_xmp_json_ld"),
    "no extras": lambda document: document["nodes"][0].pop("extras"),
    "no copies at all": lambda document: [document.pop("extensions"), document["nodes"][0].pop("extras")],
    "one copy of another": lambda document: document["extensions"]["BODYSCAN_consent"].update(
        record=signed()
    ),
    "a space behind one copy": lambda document: document["extensions"]["BODYSCAN_consent"].update(
        record=document["extensions"]["BODYSCAN_consent"]["record"] + " "
    ),
    "a copy that is no text": lambda document: document["extensions"]["BODYSCAN_consent"].update(record=7),
    "an empty copy": lambda document: document["extensions"]["BODYSCAN_consent"].update(record=" "),
    "points": lambda document: document["meshes"][0]["primitives"][0].update(mode=0),
    "a scaled joint": _scaled,
    "a second body": _second_body,
    "a circle of nodes": _cycle,
    "an index out of range": lambda document: document["meshes"][0]["primitives"][0].update(indices=999),
    "a view out of range": lambda document: document["bufferViews"][0].update(byteOffset=10**9),
    "a count that is huge": lambda document: document["accessors"][0].update(count=10**9),
    "an unknown compression": lambda document: document.update(extensionsUsed=["XYZ_mesh_compression"]),
    "a shape from the start": lambda document: document["meshes"][0].update(weights=[1, 0, 0]),
    "names without shapes": lambda document: document["meshes"][0]["extras"].update(targetNames=["a"]),
    "glow": lambda document: document.setdefault("materials", [{}])[0].update(emissiveFactor=[1, 0, 0]),
    "a tint": lambda document: (
        document["materials"][0]
        .setdefault("pbrMetallicRoughness", {})
        .update(baseColorFactor=[1, 0.2, 0.2, 1])
    ),
    "variants": lambda document: document["meshes"][0]["primitives"][0].update(
        extensions={"KHR_materials_variants": {"mappings": []}}
    ),
    "a mesh that nobody shows": lambda document: document["meshes"].append(
        {"primitives": [{"attributes": {"POSITION": 0}}]}
    ),
    "a skin of no joints": lambda document: document["skins"][0].update(joints=[0]),
}
"""Name -> what is changed in a twin's glTF document."""


def containers(data: bytes) -> dict[str, bytes]:
    """Return name -> bytes: a file whose container was tampered with."""
    return {
        "cut short": data[:-7],
        "half": data[: len(data) // 2],
        "a header": data[:12],
        "nothing but its name": b"glTF",
        "version 1": data[:4] + b"\x01" + data[5:],
        "a chunk longer than the file": data[:12] + b"\xff\xff\xff\x7f" + data[16:],
        "a binary chunk first": data[:16] + b"BIN\0" + data[20:],
        "a key twice": _replaced(data, b'"asset":{', b'"asset":{"x":1,"x":2,'),
        "NaN": _replaced(data, b'"asset":{', b'"asset":{"x":NaN,'),
        "another file": _replaced(data, b'"buffers":[', b'"buffers":[{"uri":"a.bin","byteLength":4},'),
        "something behind": data + b"more",
        "a picture": b"\x89PNG\r\n\x1a\n" + bytes(100),
    }


def _replaced(data: bytes, old: bytes, new: bytes) -> bytes:
    """Return a GLB whose JSON has `new` for `old`."""
    length = int.from_bytes(data[12:16], "little")
    text = data[20 : 20 + length].replace(old, new, 1)
    text += b" " * (-len(text) % 4)
    rest = data[20 + length :]
    total = 20 + len(text) + len(rest)
    return (
        data[:8] + total.to_bytes(4, "little") + len(text).to_bytes(4, "little") + data[16:20] + text + rest
    )


def other_skin(twin: Twin) -> Twin:
    """Return the textured twin with its colours exchanged, its consent as it was."""
    assert twin.textures is not None
    return replace(twin, textures=SkinTextures(twin.textures.albedo[..., ::-1].copy()))
