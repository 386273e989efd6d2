from __future__ import annotations

import subprocess
import sys

import pytest

LOAD = """
import sys
from bodyscan.geometry.load_open3d import load_open3d
open3d = load_open3d()
assert load_open3d() is open3d is sys.modules["open3d"]
"""
CAST = """
assert "sklearn" not in sys.modules
assert "open3d.ml" not in sys.modules
scene = open3d.t.geometry.RaycastingScene()
ray = open3d.core.Tensor([[0.0, 0, 1, 0, 0, -1]], open3d.core.float32)
assert scene.cast_rays(ray)["t_hit"].shape == (1,)
"""
LEARN = """
import open3d.ml
assert open3d.ml is sys.modules["open3d.ml"]
assert open3d.ml.__file__
"""


@pytest.mark.parametrize("use", [CAST, pytest.param(LEARN, marks=pytest.mark.slow)], ids=["cast", "learn"])
def test_open3d_is_whole_and_its_learning_part_is_loaded_only_on_demand(use):
    done = subprocess.run([sys.executable, "-c", LOAD + use], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
