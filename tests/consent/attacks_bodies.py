"""Attacks on the body: other triangles, other faces, other rigs, and what other readers would show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bodyscan.consent.state import BindingVerdict, ConsentState
from bodyscan.gltf.write import twin_to_glb
from bodyscan.types import Mesh, SkinTextures, Twin
from consent.attacks_base import (
    OTHER_SKIN,
    Glb,
    Rows,
    allow,
    altered_body,
    bare_twin,
    bound_text,
    consent,
    deny,
    other_body,
    record_values,
    signed_record,
    skin_image,
)
from consent.attacks_records import OTHER_ID
from consent.people import signed_values
from gltf.full_size import full_size_twin

BODIES = Rows("Another body under the consent")
FACES = Rows("Another face or skin on the same triangles")
RIGS = Rows("Another rig or other face shapes")


def reshaped(change: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Callable[[], bytes]:
    """A builder: the honest file with its stored positions changed."""

    def build() -> bytes:
        glb = Glb()
        points = glb.attribute("POSITION")
        points[:] = change(points.astype(np.float64)).astype(np.float32)
        return glb.to_bytes()

    return build


@cache
def ben_twin() -> Twin:
    """Another person: broader, with longer arms, another face and another skin."""
    twin = bare_twin(1)
    mesh = twin.rig.mesh
    points = mesh.vertices * np.where(np.abs(mesh.vertices[:, :1]) > 0.15, (1.15, 1, 1), (1.25, 1, 1.3))
    rig = replace(twin.rig, mesh=Mesh(points, mesh.faces, mesh.uvs, mesh.colors))
    return replace(twin, rig=rig, textures=SkinTextures(skin_image(1, OTHER_SKIN)))


@cache
def ben_consent() -> str:
    """Ben's record, bound to Ben's body."""
    values = record_values(record_id=OTHER_ID, subject__pseudonym="Ben 3")
    return bound_text(ben_twin(), signed_values(values))


def girth(share: float) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """Each limb thicker by a share, around its own axis."""

    def change(points: NDArray[np.float64]) -> NDArray[np.float64]:
        arm = np.abs(points[:, :1]) > 0.145
        axis = np.where(arm, points * (1, 0, 0) + (0, 1.4, 0), points * (0, 1, 0))
        return axis + (points - axis) * (1 + share)

    return change


@cache
def adult() -> Twin:
    """The packaged adult of 1.7 m under Anna's record."""
    twin = replace(full_size_twin(), morphs=())
    return replace(twin, consent=bound_text(twin, signed_record()))


@BODIES.row("The packaged adult, honest.", allow())
def _adult() -> bytes:
    return twin_to_glb(adult())


def _thicker(share: float) -> bytes:
    """The adult with each limb thicker by a share, around its own bone."""
    rig = adult().rig
    points, joints = rig.mesh.vertices.astype(np.float64), rig.skeleton.positions
    nearest, distance = np.zeros_like(points), np.full(len(points), np.inf)
    for joint, parent in enumerate(rig.skeleton.parents):
        bone = joints[joint] - joints[parent]
        if parent < 0 or not bone.any():
            continue
        along = np.clip((points - joints[parent]) @ bone / (bone @ bone), 0, 1)
        place = joints[parent] + along[:, None] * bone
        apart = np.linalg.norm(points - place, axis=1)
        closer = apart < distance
        nearest[closer], distance[closer] = place[closer], apart[closer]
    return _with_points(nearest + (points - nearest) * (1 + share))


def _with_points(points: NDArray[np.float64]) -> bytes:
    rig = adult().rig
    return twin_to_glb(replace(adult(), rig=replace(rig, mesh=replace(rig.mesh, vertices=points))))


@BODIES.row("The packaged adult, girth up 1 %, each limb around its bone.", altered_body("up to 1.8 mm"))
def _adult_girth() -> bytes:
    return _thicker(0.01)


@BODIES.row(
    "The packaged adult, girth up 0.3 %: no more than packing moves it.", allow(BindingVerdict.REPACKED)
)
def _adult_packed() -> bytes:
    return _thicker(0.003)


@BODIES.row("The packaged adult with a nose 4 mm longer.", altered_body("is not as it was bound"))
def _nose() -> bytes:
    points = adult().rig.mesh.vertices.astype(np.float64)
    middle = (np.abs(points[:, 0]) < 0.012) & (points[:, 1] > points[:, 1].max() - 0.28)
    tip = points[np.argmax(np.where(middle, points[:, 2], -np.inf))]
    near = np.exp(-((np.linalg.norm(points - tip, axis=1) / 0.02) ** 2))
    return _with_points(points + near[:, None] * (0, 0, 0.004))


@BODIES.row("A second skin one millimetre above the first.", altered_body("its area differs"))
def _second_skin() -> bytes:
    glb = Glb()
    points = glb.attribute("POSITION") + np.float32(0.001) * glb.attribute("NORMAL")
    attributes = {**glb.primitive["attributes"], "POSITION": glb.add_array(points)}
    glb.document["meshes"][0]["primitives"].append({**glb.primitive, "attributes": attributes})
    return glb.to_bytes()


@BODIES.row("The consent is stripped.", deny(ConsentState.STRIPPED, "no consent", BindingVerdict.STRIPPED))
def _stripped() -> bytes:
    glb = Glb()
    del glb.document["extensions"], glb.document["asset"]["extensions"], glb.document["nodes"][0]["extras"]
    return glb.to_bytes()


def _copy_exchanged(place: str) -> bytes:
    glb = Glb()
    other = ben_consent()
    if place == "extension":
        glb.document["extensions"]["BODYSCAN_consent"]["record"] = other
    elif place == "xmp":
        glb.document["extensions"]["KHR_xmp_json_ld"]["packets"][0]["bodyscan:consent"] = other
    else:
        glb.document["nodes"][0]["extras"]["bodyscan"]["consent"] = other
    return glb.to_bytes()


for _place in ("extension", "xmp", "extras"):

    @BODIES.row(
        f"Copies disagree: the one in the {_place} is another person's.",
        altered_body("2 different consent records"),
    )
    def _exchanged(place: str = _place) -> bytes:
        return _copy_exchanged(place)


@BODIES.row("A second XMP packet holds another consent.", altered_body("2 different consent records"))
def _second_packet() -> bytes:
    glb = Glb()
    glb.document["extensions"]["KHR_xmp_json_ld"]["packets"].append({"bodyscan:consent": ben_consent()})
    return glb.to_bytes()


@BODIES.row(
    "The XMP packet tells other software that machine learning is allowed.",
    altered_body("rights terms contradict its consent: plus:DataMining"),
)
def _rights_opened() -> bytes:
    glb = Glb()
    packet = glb.document["extensions"]["KHR_xmp_json_ld"]["packets"][0]
    packet["plus:DataMining"] = "http://ns.useplus.org/ldf/vocab/DMI-ALLOWED"
    return glb.to_bytes()


@BODIES.row(
    "The XMP packet tells other software of a longer term.",
    altered_body("rights terms contradict its consent: plus:LicenseEndDate"),
)
def _rights_longer() -> bytes:
    glb = Glb()
    packet = glb.document["extensions"]["KHR_xmp_json_ld"]["packets"][0]
    packet["plus:LicenseEndDate"] = "2099-01-01T00:00:00Z"
    return glb.to_bytes()


@BODIES.row("A copy that is no text.", altered_body("is not a record but"))
def _no_text() -> bytes:
    glb = Glb()
    glb.document["extensions"]["BODYSCAN_consent"]["record"] = {"bodyscan_consent": 1}
    return glb.to_bytes()


@BODIES.row(
    "Record on another body: Anna's consent on Ben.",
    other_body(),
)
def _on_ben() -> bytes:
    return twin_to_glb(replace(ben_twin(), consent=consent()))


@BODIES.row(
    "Two twins swapped: Ben's consent on Anna.",
    other_body(),
)
def _swapped() -> bytes:
    return twin_to_glb(replace(bare_twin(), consent=ben_consent()))


for _name, _build, _reason in (
    ("Girth up 1 %.", reshaped(girth(0.01)), "is not as it was bound"),
    ("Girth down 1 %.", reshaped(girth(-0.01)), "is not as it was bound"),
    ("Metres to centimetres.", reshaped(lambda p: 100 * p), "are the units centimetres?"),
    ("Centimetres to metres.", reshaped(lambda p: p / 100), "taken for metres"),
    ("Mirrored front to back.", reshaped(lambda p: p * (1, 1, -1)), "inside out"),
    ("Z up in place of Y.", reshaped(lambda p: p[:, [0, 2, 1]] * (1, -1, 1)), "is Z up"),
    ("Moved by two metres.", reshaped(lambda p: p + np.array((2, 0, 0))), "moved by 2.00 m"),
    ("One arm is cut short.", reshaped(lambda p: np.minimum(p, (0.7, 9, 9))), "mm"),
    (
        "A head of 12 % more.",
        reshaped(lambda p: np.where(p[:, 1:2] > 1.45, (p - (0, 1.45, 0)) * 1.12 + (0, 1.45, 0), p)),
        "mm",
    ),
):
    _far = _name.startswith(("Metres", "Centimetres", "Z up", "Moved"))
    BODIES.row(
        _name,
        other_body(_reason) if _far else altered_body(_reason),
    )(_build)


@BODIES.row(
    "Mirrored left to right, with triangles that still look outward.", altered_body("weights pull otherwise")
)
def _mirror() -> bytes:
    glb = Glb(reshaped(lambda p: p * (-1, 1, 1))())
    faces = glb.array(glb.primitive["indices"]).reshape(-1, 3)
    faces[:] = faces[:, ::-1].copy()
    return glb.to_bytes()


@BODIES.row("Turned inside out.", altered_body("inside out"))
def _inside_out() -> bytes:
    glb = Glb()
    faces = glb.array(glb.primitive["indices"]).reshape(-1, 3)
    faces[:] = faces[:, ::-1].copy()
    return glb.to_bytes()


def decimated() -> Glb:
    """The honest file with its vertices drawn to a grid of 6 cm, without the triangles that fell together."""
    glb = Glb()
    points = glb.attribute("POSITION")
    points[:] = np.round(points / 0.06) * 0.06
    faces = glb.array(glb.primitive["indices"]).reshape(-1, 3)
    corners = points[faces]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    glb.primitive["indices"] = glb.add_array(faces[area > 1e-8].reshape(-1).copy())
    return glb


@BODIES.row("Decimated.", other_body())
def _decimated() -> bytes:
    return decimated().to_bytes()


def _second_mesh(shown: bool, scene: bool = False) -> bytes:
    glb = Glb()
    points = ben_twin().rig.mesh.vertices.astype(np.float32) + np.array((2, 0, 0), np.float32)
    primitive = {
        "attributes": {"POSITION": glb.add_array(points)},
        "indices": glb.primitive["indices"],
        "material": 0,
    }
    glb.document["meshes"].append({"primitives": [primitive]})
    if shown:
        glb.document["nodes"].append({"mesh": 1})
        number = len(glb.document["nodes"]) - 1
        if scene:
            glb.document["scenes"].append({"nodes": [number]})
        else:
            glb.document["scenes"][0]["nodes"].append(number)
    return glb.to_bytes()


for _name, _shown, _scene in (
    ("Two people merged into one file.", True, False),
    ("A second body in another scene.", True, True),
    ("A second body that no node shows.", False, False),
):

    @BODIES.row(_name, altered_body("beyond the bound body"))
    def _merged(shown: bool = _shown, scene: bool = _scene) -> bytes:
        return _second_mesh(shown, scene)


@BODIES.row("The body is shown a second time, wider.", altered_body("mm"))
def _second_node() -> bytes:
    glb = Glb()
    glb.document["nodes"].append({"mesh": 0, "scale": [1.3, 1, 1.3]})
    glb.document["scenes"][0]["nodes"].append(len(glb.document["nodes"]) - 1)
    return glb.to_bytes()


@BODIES.row("A node scale above the joints.", other_body())
def _scaled_armature() -> bytes:
    glb = Glb()
    glb.document["nodes"][1]["scale"] = [1.2, 1, 1.2]
    return glb.to_bytes()


@BODIES.row("One joint node is scaled, so that an arm is thicker.", altered_body("mm"))
def _scaled_joint() -> bytes:
    glb = Glb()
    arm = next(node for node in glb.document["nodes"] if node.get("name") == "leftUpperArm")
    arm["scale"] = [1, 1.4, 1.4]
    return glb.to_bytes()


@BODIES.row("A skin whose inverse binds make another body of the same vertices.", other_body())
def _inverse_binds() -> bytes:
    glb = Glb()
    matrices = glb.array(glb.document["skins"][0]["inverseBindMatrices"])
    matrices.reshape(-1, 4, 4)[:, :, :3] *= np.array((1.15, 1, 1.15), np.float32)
    return glb.to_bytes()


@BODIES.row("The skin is taken off and the node scaled.", other_body())
def _scaled_node() -> bytes:
    glb = Glb()
    del glb.document["nodes"][0]["skin"]
    glb.document["nodes"][0]["scale"] = [1.2, 1, 1.2]
    return glb.to_bytes()


def _sparse(accessor: dict[str, Any], glb: Glb, count: int, width: int) -> None:
    rows = np.arange(count, dtype=np.uint32)
    values = np.full((count, width), 0.3, np.float32)
    accessor["sparse"] = {
        "count": count,
        "indices": {"bufferView": glb.add_view(rows.tobytes()), "componentType": 5125},
        "values": {"bufferView": glb.add_view(values.tobytes())},
    }


@BODIES.row("A sparse part of the positions moves the feet elsewhere.", other_body())
def _sparse_positions() -> bytes:
    glb = Glb()
    _sparse(glb.document["accessors"][glb.primitive["attributes"]["POSITION"]], glb, 40, 3)
    return glb.to_bytes()


@BODIES.row(
    "A quantised copy: the positions are integers that stand for another body.",
    other_body(),
)
def _integers() -> bytes:
    glb = Glb()
    points = np.round(ben_twin().rig.mesh.vertices / 2 * 32767).astype(np.int16)
    padded = np.zeros((len(points), 4), np.int16)
    padded[:, :3] = points
    view = glb.add_view(padded.tobytes())
    glb.document["bufferViews"][view]["byteStride"] = 8
    item = {
        "bufferView": view,
        "componentType": 5122,
        "normalized": True,
        "count": len(points),
        "type": "VEC3",
    }
    glb.document["accessors"].append(item)
    glb.primitive["attributes"]["POSITION"] = len(glb.document["accessors"]) - 1
    return glb.to_bytes()
