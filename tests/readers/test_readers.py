from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from bodyscan.gltf import GlbBody, read_glb
from gltf.skinning import rotation
from readers import three_vrm
from readers.files import TwinFile, twin_files
from readers.judge import Fault, faults, texture_means, unseen
from readers.matrix import PLAIN_GLTF, READERS, VRM, Reader
from readers.report import ReaderReport, consent_verdict
from readers.silhouette import arm_lifted, filled, overlap
from readers.table import BEGIN, END, row, with_table

PAGE = Path(__file__).resolve().parents[2] / "docs" / "readers.md"
PAIRS = [
    pytest.param(
        reader,
        file,
        id=f"{reader.name}-{file.name}",
        marks=[
            pytest.mark.slow,
            *([getattr(pytest.mark, reader.mark)] if reader.mark else []),
            *([pytest.mark.long] if file is not reader.files[0] else []),
        ],
    )
    for reader in READERS
    for file in reader.files
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("twins")


@cache
def body_of(path: Path) -> GlbBody:
    return read_glb(path)


@cache
def seen(reader: Reader, file: TwinFile, folder: Path) -> ReaderReport:
    """Give the file to the reader, once for all tests."""
    return reader.read(file.write(folder), file.arm, file.shape)


@pytest.mark.parametrize(("reader", "file"), PAIRS)
def test_a_reader_shows_all_of_a_twin_but_what_is_known(reader, file, folder):
    report = seen(reader, file, folder)
    if os.environ.get("CI", "").lower() != "true" and not report.reader.startswith(reader.version):
        pytest.skip(f"What is known is of {reader.version}; this is {report.reader}.")
    body = body_of(file.write(folder))
    found = faults(report, file, body)
    assert found == set(reader.faults_of(file)), report.problems
    if report.loaded:
        assert unseen(report) == reader.unseen
    # The page says the same. `python tools/readers_table.py` writes it anew.
    assert row(reader, file, report, found) in PAGE.read_text().splitlines()


@pytest.mark.browser
@pytest.mark.slow
def test_three_vrm_finds_the_humanoid_the_expressions_and_the_terms(folder):
    _, vrm = three_vrm.read_vrm(VRM.write(folder), VRM.shape)
    assert vrm is not None
    assert sorted(vrm.human_bones) == sorted(VRM.table.joints)
    assert {"aa", "blink", "happy", "jawOpen"} <= set(vrm.expressions)
    assert vrm.look_at
    assert vrm.meta["metaVersion"] == "1"
    assert vrm.meta["allowExcessivelyViolentUsage"] is False
    assert "consent record" in vrm.meta["copyrightInformation"]


@pytest.mark.browser
@pytest.mark.slow
def test_three_vrm_says_that_a_plain_file_is_no_vrm(folder):
    report, vrm = three_vrm.read_vrm(PLAIN_GLTF.write(folder), PLAIN_GLTF.shape)
    assert vrm is None
    assert not report.loaded
    assert "no VRM" in report.problems[0]


def test_every_target_and_packing_is_given_to_at_least_two_readers():
    given = [file for reader in READERS for file in reader.files]
    few = [file.name for file in twin_files() if given.count(file) < 2]
    assert few == []
    assert set(given) == set(twin_files())


@pytest.mark.parametrize("file", twin_files(), ids=lambda file: file.name)
def test_the_consent_of_every_file_holds_before_any_reader_had_it(file, folder):
    verdict = consent_verdict(file.write(folder).read_bytes())
    assert verdict == "exact" if file.packing == "none" else verdict.startswith("repacked 0.0")


def test_the_outline_tells_a_lifted_arm_from_a_hanging_one(folder):
    body = body_of(PLAIN_GLTF.write(folder))
    rest, lifted = filled(body.positions, body.faces), filled(arm_lifted(body, "leftUpperArm"), body.faces)
    assert overlap(rest, rest) == 1.0
    assert overlap(rest, lifted) < 0.93
    # The person's left is on the right of the picture; nothing moves on the other side.
    assert np.array_equal(rest[:, :200], lifted[:, :200])
    assert lifted.any(axis=0).nonzero()[0].max() > rest.any(axis=0).nonzero()[0].max()


def test_an_arm_is_lifted_about_the_same_axis_whatever_its_frame(folder):
    file = next(file for file in twin_files() if file.target == "mixamo")
    body = body_of(file.write(folder))
    joint = body.skeleton.joint_names.index(file.arm)
    elbow = body.skeleton.joint_names.index(file.table.joint_name("leftLowerArm"))
    shoulder = body.rest_world[joint][:3, 3]
    forearm = (body.joint_indices[:, 0] == elbow) & (body.joint_weights[:, 0] > 0.999)
    turned = (body.positions[forearm] - shoulder) @ rotation("z", 60).T + shoulder
    assert forearm.any()
    assert np.allclose(arm_lifted(body, file.arm)[forearm], turned, atol=1e-5)


def good_report(file: TwinFile) -> ReaderReport:
    """Return what a reader without fault would say, without drawing or export."""
    return ReaderReport(
        reader="perfect",
        loaded=True,
        joints=file.joints,
        morphs=file.morphs,
        triangles=file.triangles,
        height_m=file.height_m,
    )


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({}, None),
        ({"loaded": False}, Fault.REFUSED),
        ({"problems": ("a warning",)}, Fault.COMPLAINS),
        ({"joints": PLAIN_GLTF.joints[:-1]}, Fault.JOINTS_LOST),
        ({"joints": ("pelvis", *PLAIN_GLTF.joints[1:])}, Fault.JOINTS_RENAMED),
        ({"morphs": PLAIN_GLTF.morphs[1:]}, Fault.SHAPES_LOST),
        ({"morphs": ("",) * 52}, Fault.SHAPES_UNNAMED),
        ({"jaw_m": 0.0}, Fault.SHAPES_STILL),
        ({"textures": ()}, Fault.IMAGES),
        ({"triangles": 1}, Fault.TRIANGLES),
        ({"height_m": 1.71}, Fault.HEIGHT),
        ({"arm_m": 0.0}, Fault.ARM),
        ({"silhouettes": {"rest": np.zeros((480, 480), bool)}}, Fault.OUTLINE),
        ({"extras": False}, Fault.EXTRAS),
        ({"again": b"no glb"}, Fault.CONSENT_REFUSED),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else str(value),
)
def test_each_fault_is_found(change, fault, folder):
    report = ReaderReport(**(vars(good_report(PLAIN_GLTF)) | change))
    found = faults(report, PLAIN_GLTF, body_of(PLAIN_GLTF.write(folder)))
    assert found == ({fault} if fault else set())


def test_black_images_would_be_noticed():
    assert all(mean.max() > 50 for mean in texture_means().values())


def test_the_table_stands_between_its_markers():
    page = with_table(f"before\n{BEGIN}\nold\n{END}\nafter", ["| a row |"])
    assert "old" not in page
    assert page.startswith("before\n")
    assert page.endswith("\nafter")
    with pytest.raises(ValueError, match="has no"):
        with_table("a page without a table", [])
