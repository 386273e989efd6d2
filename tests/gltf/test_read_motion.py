"""An animation poses the bound body and makes no other of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bodyscan.errors import InputError
from bodyscan.gltf.accessors import AccessorReader
from bodyscan.gltf.container import unpack_glb
from bodyscan.gltf.read_motion import motion_problem
from bodyscan.gltf.write import twin_to_glb
from gltf.shapes import small_twin

ARM_M = 0.3
"""From the small body's shoulder to its elbow, along X."""


def problem(node: str, path: str, values: Any, **sampler: Any) -> str:
    """What is said of one channel that moves a node of the small body."""
    document, binary = unpack_glb(twin_to_glb(small_twin()))
    array = np.asarray(values, np.float32)
    document["bufferViews"].append({"buffer": 0, "byteOffset": len(binary), "byteLength": array.nbytes})
    kind = {3: "VEC3", 4: "VEC4"}[array.shape[1]]
    document["accessors"].append(
        {
            "bufferView": len(document["bufferViews"]) - 1,
            "componentType": 5126,
            "count": len(array),
            "type": kind,
        }
    )
    index = [item.get("name") for item in document["nodes"]].index(node)
    target: dict[str, Any] = {"node": index, "path": path}
    if path == "pointer":
        target = {"path": path, "extensions": {"KHR_animation_pointer": {"pointer": "/materials/0"}}}
    samplers = [{"input": 0, "output": len(document["accessors"]) - 1, **sampler}]
    document["animations"] = [{"samplers": samplers, "channels": [{"sampler": 0, "target": target}]}]
    return motion_problem(document, AccessorReader(document, binary + array.tobytes()))


def test_a_file_without_animations_has_no_problem() -> None:
    document, binary = unpack_glb(twin_to_glb(small_twin()))
    assert motion_problem(document, AccessorReader(document, binary)) == ""


@pytest.mark.parametrize(
    ("node", "path", "values"),
    [
        ("leftLowerArm", "rotation", [[0, 0, 0, 1], [0, 0, 0.7, 0.7]]),
        ("hips", "translation", [[0, 0.9, 0], [3, 1.4, 5]]),
        ("leftLowerArm", "translation", [[ARM_M, 0, -0.013]] * 2),
        ("leftLowerArm", "scale", [[1, 1, 1], [1.005, 1, 1]]),
    ],
)
def test_turning_joints_walking_and_keys_that_hold_still_are_poses(node: str, path: str, values: Any) -> None:
    assert problem(node, path, values) == ""


@pytest.mark.parametrize(
    ("node", "path", "values", "told"),
    [
        ("armature", "scale", [[1, 1, 1], [1.2, 1, 1]], "makes armature larger or smaller"),
        ("head", "scale", [[1, 1, 1], [1, 0.9, 1]], "makes head larger or smaller"),
        ("leftLowerArm", "translation", [[0.4, 0, -0.013]], "moves leftLowerArm 10 cm off its parent"),
        ("body", "pointer", [[0, 0, 0, 1]], "more than the pose (KHR_animation_pointer)"),
    ],
)
def test_growing_joints_and_pointers_are_told(node: str, path: str, values: Any, told: str) -> None:
    assert told in problem(node, path, values)


def test_of_a_cubic_spline_the_values_count_and_not_the_tangents() -> None:
    still = [[9, 9, 9], [1, 1, 1], [9, 9, 9]]
    assert problem("head", "scale", still, interpolation="CUBICSPLINE") == ""
    grown = [[1, 1, 1], [2, 1, 1], [1, 1, 1]]
    assert "larger" in problem("head", "scale", grown, interpolation="CUBICSPLINE")


def test_values_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(InputError, match="NaN"):
        problem("head", "scale", [[np.nan, 1, 1]])
