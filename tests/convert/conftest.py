"""Each twin is converted once for all tests of this folder that look at what came out."""

from __future__ import annotations

import pytest

from bodyscan.gltf import twin_to_glb
from convert.looks import Looks, convert_and_look
from gltf.complete import with_parts
from gltf.full_size import full_size_twin
from gltf.shapes import small_twin
from gltf.tools import need_module


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Looks:
    """Seven joints, three shapes, colours, no image; a consent that is bound to nothing."""
    need_module("bpy")
    return convert_and_look(twin_to_glb(small_twin()), tmp_path_factory.mktemp("small"), again=True)


@pytest.fixture(scope="session")
def full(tmp_path_factory: pytest.TempPathFactory) -> Looks:
    """The whole skeleton, all shapes, three images, a consent bound to it."""
    need_module("bpy")
    twin = with_parts(full_size_twin("t"), size=128)
    return convert_and_look(twin_to_glb(twin), tmp_path_factory.mktemp("full"))


@pytest.fixture(params=["small", "full"])
def looks(request: pytest.FixtureRequest) -> Looks:
    """Both, one after the other."""
    return request.getfixturevalue(request.param)
