from __future__ import annotations

import numpy as np
import pytest

from bodyscan.gltf import GltfOptions, read_glb, twin_to_glb
from bodyscan.gltf.container import unpack_glb
from bodyscan.gltf.targets import HUMANOID_BONES
from bodyscan.gltf.validate import ARKIT_NAMES
from browser.pictures import SIZE, is_body, load, picture
from gltf.complete import DARK, LIGHT, with_parts
from gltf.full_size import full_size_twin
from gltf.skinning import pose_body, rotation
from gltf.test_vrm import PRESETS, without_eyes

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SHADER_M = 1e-5
"""float32 skinning in the browser, metres."""
VRM = GltfOptions(target="vrm")


@pytest.fixture(scope="module")
def twin():
    return with_parts(full_size_twin("t"), size=512)


@pytest.fixture(scope="module")
def vrm(twin) -> bytes:
    return twin_to_glb(twin, VRM)


@pytest.fixture
def page(browser, serve, vrm):
    return load(browser, serve(vrm, "vrm.html"))


def joint(twin, name: str) -> np.ndarray:
    return twin.rig.skeleton.positions[twin.rig.skeleton.joint_names.index(name)]


def differ(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return (480, 480) bool: where two pictures differ to the eye, by more than rounded light."""
    return np.abs(one.astype(int) - other).max(axis=2) > 6


def close_up(page, twin):
    """Point the camera at the face; return the height of its centre and half of what it shows, metres."""
    centre, half = float(joint(twin, "head")[1]) + 0.05, 0.15
    page.execute_script("window.lookAt(0, arguments[0], arguments[1])", centre, half)
    return centre, half


def rows_of(changed: np.ndarray, centre: float, half: float) -> tuple[float, float]:
    """Return the lowest and highest point in metres where a close-up changed."""
    rows = np.flatnonzero(changed.any(axis=1))
    return centre + half - rows.max() / SIZE * 2 * half, centre + half - rows.min() / SIZE * 2 * half


def test_the_whole_avatar_arrives(page, twin, vrm):
    report = page.execute_script("return window.report")
    assert report["version"] == "1"
    assert report["meta"]["name"] == "DEMO Alba"
    meta = unpack_glb(vrm)[0]["extensions"]["VRMC_vrm"]["meta"]
    assert {key: report["meta"][key] for key in meta} == meta
    assert set(report["bones"]) == set(HUMANOID_BONES)
    assert set(report["presets"]) == PRESETS
    assert set(report["custom"]) > ARKIT_NAMES
    assert report["look"]["applier"] == "bone"
    eyes = (joint(twin, "leftEye") + joint(twin, "rightEye")) / 2 - joint(twin, "head")
    assert np.allclose(report["look"]["offset"], eyes, atol=1e-6)
    assert report["firstPerson"] == ["auto"]
    assert report["image"] == [512, 512]


def test_a_raised_arm_is_seen_in_the_picture(page, twin, vrm):
    before = picture(page)
    page.execute_script("window.pose('leftUpperArm', 'z', 60)")
    after = picture(page)
    body = read_glb(vrm)
    expected = pose_body(body, {"leftUpperArm": rotation("z", 60)})
    assert np.allclose(page.execute_script("return window.positions()"), expected, atol=SHADER_M)
    hand = twin.rig.skeleton.joint_names.index("leftHand")
    of_hand = (body.joint_indices[:, 0] == hand) & (body.joint_weights[:, 0] > 0.9)
    old, new = body.positions[of_hand].mean(axis=0), expected[of_hand].mean(axis=0)
    assert new[1] > old[1] + 0.3
    assert is_body(before, old[0], old[1])
    assert not is_body(after, old[0], old[1])
    assert is_body(after, new[0], new[1])
    # The person's right half, on the left of the picture, stays pixel for pixel.
    assert np.array_equal(before[:, : SIZE // 2 - 60], after[:, : SIZE // 2 - 60])


@pytest.mark.parametrize("name", ["aa", "oh", "viseme_FF", "jawOpen"])
def test_speech_changes_the_mouth_and_not_the_eyes(page, twin, name):
    centre, half = close_up(page, twin)
    before = picture(page)
    page.execute_script("window.express(arguments[0], 1)", name)
    changed = differ(picture(page), before)
    assert changed.sum() > 500
    below_eyes = round((centre + half - (float(joint(twin, "leftEye")[1]) - 0.02)) / (2 * half) * SIZE)
    # A jaw that opens moves the skin before the ears a little too.
    assert changed[below_eyes:].sum() > 0.9 * changed.sum()


def test_a_smile_reaches_mouth_and_cheeks(page, twin):
    close_up(page, twin)
    before = picture(page)
    page.execute_script("window.express('happy', 1)")
    changed = differ(picture(page), before)
    assert changed.sum() > 2000
    # Left and right alike, within a fifth.
    left, right = changed[:, : SIZE // 2].sum(), changed[:, SIZE // 2 :].sum()
    assert abs(int(left) - int(right)) < 0.2 * (left + right)
    page.execute_script("window.express('happy', 0)")
    assert np.array_equal(picture(page), before)


@pytest.mark.parametrize(
    ("name", "sides"), [("blink", (1, 1)), ("blinkLeft", (0, 1)), ("blinkRight", (1, 0))]
)
def test_a_blink_changes_the_eyes_alone(page, twin, name, sides):
    centre, half = close_up(page, twin)
    before = picture(page)
    page.execute_script("window.express(arguments[0], 1)", name)
    changed = differ(picture(page), before)
    low, high = rows_of(changed, centre, half)
    eyes = float(joint(twin, "leftEye")[1])
    assert eyes - 0.04 < low < eyes < high < eyes + 0.04
    # The person's right eye is on the left of the picture.
    halves = changed[:, : SIZE // 2].sum(), changed[:, SIZE // 2 :].sum()
    assert tuple(int(count > 100) for count in halves) == sides


def iris_moves(page, twin, yaw: float, pitch: float) -> np.ndarray:
    """Return how far (x, y) the front of the left eyeball moves, metres."""
    body = twin.rig
    names = body.skeleton.joint_names
    of_eye = (body.joint_indices[:, 0] == names.index("leftEye")) & (body.joint_weights[:, 0] > 0.9)
    front = of_eye & (body.mesh.vertices[:, 2] > body.mesh.vertices[of_eye, 2].max() - 0.004)
    assert front.any()
    rest = np.array(page.execute_script("return window.positions()"))[front].mean(axis=0)
    page.execute_script("window.look(arguments[0], arguments[1])", yaw, pitch)
    return (np.array(page.execute_script("return window.positions()"))[front].mean(axis=0) - rest)[:2]


@pytest.mark.parametrize(
    ("yaw", "pitch", "axis", "sign"), [(20, 0, 0, 1), (-20, 0, 0, -1), (0, 16, 1, -1), (0, -16, 1, 1)]
)
def test_the_eyes_follow_a_look(page, twin, yaw, pitch, axis, sign):
    close_up(page, twin)
    before = picture(page)
    moved = iris_moves(page, twin, yaw, pitch)
    # Yaw turns to the person's left (+X), pitch down; the front lies some 12 mm before the eye's centre.
    assert 0.002 < sign * moved[axis] < 0.012
    assert abs(moved[1 - axis]) < 0.001
    assert differ(picture(page), before).sum() > 50


def test_eyes_without_bones_look_by_shapes(browser, serve, twin):
    page = load(browser, serve(twin_to_glb(without_eyes(twin), VRM), "vrm.html"))
    assert page.execute_script("return window.report.look.applier") == "expression"
    close_up(page, twin)
    before = picture(page)
    page.execute_script("window.look(30, 0)")
    assert differ(picture(page), before).sum() > 100


def test_the_image_is_on_the_skin(page):
    page.execute_script("window.unlit()")
    image = picture(page)
    seen = image[image.min(axis=2) < 250].astype(int)
    near = [np.abs(seen - color).max(axis=1) < 40 for color in (LIGHT, DARK)]
    assert min(each.mean() for each in near) > 0.2
