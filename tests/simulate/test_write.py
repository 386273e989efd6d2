"""Files of every format hold the scan, and the truth reads back."""

from __future__ import annotations

import json

import numpy as np
import pytest
import trimesh

from bodyscan.errors import InputError
from bodyscan.simulate import write_scan, write_truth
from bodyscan.simulate.options import UNITS
from simulate.scans import MESSY, messy_scan


@pytest.mark.parametrize("ending", ["ply", "obj", "stl", "glb"])
def test_every_format_holds_the_triangles_within_a_hundredth_of_a_millimetre(tmp_path, ending):
    scan = messy_scan()
    path = tmp_path / f"scan.{ending}"
    write_scan(scan, path)
    read = trimesh.load_mesh(path, process=False)
    assert len(read.faces) == len(scan.mesh.faces)
    corners, truth = np.asarray(read.triangles), scan.mesh.vertices[scan.mesh.faces]
    metres = UNITS[MESSY.unit]
    assert np.abs(corners - truth).max() * metres < 1e-5
    assert (read.visual.kind == "vertex") == (ending != "stl")


def test_colours_come_back(tmp_path):
    scan = messy_scan()
    write_scan(scan, tmp_path / "scan.ply")
    read = trimesh.load_mesh(tmp_path / "scan.ply", process=False)
    np.testing.assert_array_equal(read.visual.vertex_colors[:, :3], scan.mesh.colors)


def test_files_are_the_same_each_time(tmp_path):
    scan = messy_scan()
    for name in ("a.glb", "b.glb", "a.obj", "b.obj"):
        write_scan(scan, tmp_path / name)
    for name in ("a.npz", "b.npz"):
        write_truth(scan, tmp_path / name)
    for ending in ("glb", "obj", "npz"):
        assert (tmp_path / f"a.{ending}").read_bytes() == (tmp_path / f"b.{ending}").read_bytes()
    assert len(list(tmp_path.iterdir())) == 6


def test_the_truth_file_takes_the_scan_back_to_the_world(tmp_path):
    scan = messy_scan()
    write_truth(scan, tmp_path / "t.npz")
    with np.load(tmp_path / "t.npz", allow_pickle=False) as truth:
        transform = truth["world_from_input"]
        world = scan.mesh.vertices @ transform[:3, :3].T + transform[:3, 3]
        np.testing.assert_allclose(world, scan.world_mesh().vertices, atol=1e-5)
        back = (world - transform[:3, 3]) @ np.linalg.inv(transform[:3, :3]).T
        assert np.abs(back - scan.mesh.vertices).max() * UNITS[MESSY.unit] < 1e-5
        np.testing.assert_allclose(truth["vertices"], scan.truth.vertices, atol=1e-6)
        np.testing.assert_array_equal(truth["betas"], scan.truth.params.betas)
        assert tuple(truth["joint_names"]) == scan.joint_names
        info = json.loads(str(truth["info"]))
    assert info["options"]["seed"] == MESSY.seed
    assert info["model"].endswith("(adult)")


def test_an_unknown_ending_is_refused_with_the_known_ones(tmp_path):
    with pytest.raises(InputError, match=r"scans are written as .ply, .obj, .stl, .glb"):
        write_scan(messy_scan(), tmp_path / "scan.fbx")
    with pytest.raises(InputError, match=r"the truth is written as .npz"):
        write_truth(messy_scan(), tmp_path / "truth.json")
    assert not list(tmp_path.iterdir())


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="does not exist; make it first"):
        write_scan(messy_scan(), tmp_path / "nowhere" / "scan.ply")
