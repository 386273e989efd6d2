"""Attacks on joints, weights and face shapes, and on what a reader does with the body after loading it."""

from __future__ import annotations

from typing import Any

import numpy as np

from bodyscan.consent.state import BindingVerdict
from consent.attacks_base import Glb, Rows, Unreadable, allow, altered_body, unknown
from consent.attacks_bodies import ben_twin

RIGS = Rows("Another rig or other face shapes")


def _to_ben(glb: Glb) -> np.ndarray:
    """Displacements (V, 3) float32 that make Ben's body of Anna's."""
    return (ben_twin().rig.mesh.vertices - glb.attribute("POSITION")).astype(np.float32)


def _weights(glb: Glb) -> None:
    """Each vertex hangs on the joint of the other hand side."""
    joints = glb.attribute("JOINTS_0")
    joints[:] = joints[::-1].copy()


def _joint(glb: Glb) -> None:
    """The left elbow is 6 cm further out, and the bind pose with it."""
    elbow = next(node for node in glb.document["nodes"] if node.get("name") == "leftLowerArm")
    elbow["translation"][0] += 0.06
    number = glb.document["nodes"].index(elbow)
    skin = glb.document["skins"][0]
    matrices = glb.array(skin["inverseBindMatrices"])
    matrices[skin["joints"].index(number), 12] -= np.float32(0.06)


def _new_shape(glb: Glb) -> None:
    glb.primitive["targets"].append({"POSITION": glb.add_array(_to_ben(glb))})
    glb.document["meshes"][0]["extras"]["targetNames"].append("ben")


def _other_shape(glb: Glb) -> None:
    glb.primitive["targets"][0] = {"POSITION": glb.add_array(_to_ben(glb))}


def _shape_on(glb: Glb) -> None:
    _other_shape(glb)
    glb.document["meshes"][0]["weights"] = [1, 0, 0]


def _bound_shape_on(glb: Glb) -> None:
    glb.document["nodes"][0]["weights"] = [1, 0, 0]


def _twice(glb: Glb) -> None:
    glb.document["meshes"][0]["extras"]["targetNames"] = ["jawOpen", "JawOpen", "mouthSmileLeft"]


def _nameless(glb: Glb) -> None:
    _other_shape(glb)
    del glb.document["meshes"][0]["extras"]["targetNames"]


def _nameless_on(glb: Glb) -> None:
    _nameless(glb)
    glb.document["meshes"][0]["weights"] = [1, 0, 0]


def _second_influence(glb: Glb) -> None:
    """JOINTS_1 and WEIGHTS_1, which some readers leave out, pull everything to the hips."""
    count = len(glb.attribute("POSITION"))
    joints = np.zeros((count, 4), np.uint8)
    weights = np.zeros((count, 4), np.float32)
    weights[:, 0] = 3
    glb.primitive["attributes"]["JOINTS_1"] = glb.add_array(joints)
    glb.primitive["attributes"]["WEIGHTS_1"] = glb.add_array(weights)


def _sparse_shape(glb: Glb) -> None:
    """The face shape's displacements are exchanged where they stand."""
    accessor = glb.document["accessors"][glb.primitive["targets"][0]["POSITION"]]
    values = np.full((accessor["sparse"]["count"], 3), 0.08, np.float32)
    accessor["sparse"]["values"] = {"bufferView": glb.add_view(values.tobytes())}


for _name, _change, _reason in (
    ("Weights that hang on other joints.", _weights, "rig:"),
    ("An elbow 6 cm further out.", _joint, "rig:"),
    ("A second set of joints and weights.", _second_influence, "rig:"),
    ("A new face shape that is another body.", _new_shape, "ben was not bound"),
    ("A bound face shape's name, with another body in it.", _other_shape, "morphs: jawOpen"),
    ("That face shape is on from the start.", _shape_on, "morphs:"),
    ("A bound face shape is on from the start.", _bound_shape_on, "from the start"),
    ("Two face shapes of one name.", _twice, "two face shapes of the name jawOpen"),
    ("A sparse face shape with other displacements.", _sparse_shape, "morphs: jawOpen"),
):

    @RIGS.row(_name, altered_body(_reason))
    def _rigged(change: Any = _change) -> bytes:
        glb = Glb()
        change(glb)
        return glb.to_bytes()


@RIGS.row(
    "Face shapes without names, one of them another body.", unknown("0 names", geometry=BindingVerdict.EXACT)
)
def _unnamed() -> bytes:
    glb = Glb()
    _nameless(glb)
    return glb.to_bytes()


@RIGS.row(
    "Face shapes without names, and another body is on from the start.",
    altered_body("from the start"),
)
def _unnamed_on() -> bytes:
    glb = Glb()
    _nameless_on(glb)
    return glb.to_bytes()


@RIGS.row("The face shapes are left out.", allow(parts={"morphs": "missing"}))
def _no_shapes() -> bytes:
    glb = Glb()
    del glb.primitive["targets"], glb.document["meshes"][0]["extras"]["targetNames"]
    glb.document["meshes"][0].pop("weights", None)
    return glb.to_bytes()


@RIGS.row("The skeleton is left out.", allow(parts={"rig": "missing"}))
def _no_skin() -> bytes:
    glb = Glb()
    del glb.document["nodes"][0]["skin"], glb.document["skins"]
    return glb.to_bytes()


def _animate(glb: Glb, node: int, path: str, values: np.ndarray, pointer: str = "") -> None:
    """One animation that moves a node, or what `pointer` names, to `values` and back."""
    times = glb.add_array(np.array([0, 1], np.float32))
    glb.document["accessors"][times] |= {"min": [0], "max": [1]}
    target: dict[str, Any] = {"node": node, "path": path}
    if pointer:
        target = {"path": "pointer", "extensions": {"KHR_animation_pointer": {"pointer": pointer}}}
        glb.document["extensionsUsed"].append("KHR_animation_pointer")
    glb.document["animations"] = [
        {
            "samplers": [{"input": times, "output": glb.add_array(values)}],
            "channels": [{"sampler": 0, "target": target}],
        }
    ]


def _node(glb: Glb, name: str) -> int:
    return [node.get("name") for node in glb.document["nodes"]].index(name)


@RIGS.row("An animation that bends the left elbow.", allow())
def _bend() -> bytes:
    glb = Glb()
    turns = np.array([[0, 0, 0, 1], [0, 0, 0.38, 0.92]], np.float32)
    _animate(glb, _node(glb, "leftLowerArm"), "rotation", turns)
    return glb.to_bytes()


@RIGS.row("An animation that scales the joints to another body.", altered_body("larger or smaller"))
def _scaling() -> bytes:
    glb = Glb()
    sizes = np.array([[1.4, 1, 1.4], [1.4, 1, 1.4]], np.float32)
    _animate(glb, _node(glb, "armature"), "scale", sizes)
    return glb.to_bytes()


@RIGS.row(
    "An animation that moves joints to where another person has them.",
    altered_body("off its parent"),
)
def _stretching() -> bytes:
    glb = Glb()
    places = np.array([[0.45, 0, 0], [0.45, 0, 0]], np.float32)
    _animate(glb, _node(glb, "leftLowerArm"), "translation", places)
    return glb.to_bytes()


@RIGS.row(
    "An animation that recolours the skin (KHR_animation_pointer).",
    altered_body("more than the pose"),
)
def _recoloring() -> bytes:
    glb = Glb()
    dark = np.array([[0.3, 0.2, 0.2, 1]] * 2, np.float32)
    _animate(glb, 0, "pointer", dark, "/materials/0/pbrMetallicRoughness/baseColorFactor")
    return glb.to_bytes()


@RIGS.row("The body is shown many times in other sizes (EXT_mesh_gpu_instancing).", Unreadable("many times"))
def _instances() -> bytes:
    glb = Glb()
    del glb.document["nodes"][0]["skin"]
    sizes = glb.add_array(np.array([[1.4, 1, 1.4], [0.7, 1, 0.7]], np.float32))
    glb.document["nodes"][0]["extensions"] = {"EXT_mesh_gpu_instancing": {"attributes": {"SCALE": sizes}}}
    glb.document["extensionsUsed"].append("EXT_mesh_gpu_instancing")
    return glb.to_bytes()
