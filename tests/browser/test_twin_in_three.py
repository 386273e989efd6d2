from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pytest

from bodyscan.consent.digest import geometry_digest
from bodyscan.gltf import GltfOptions, read_consent, read_glb, twin_to_glb
from browser.pictures import SIZE, is_body, load, picture, pixel
from gltf.complete import DARK, LIGHT, complete_small_twin
from gltf.full_size import full_size_twin
from gltf.shapes import CONSENT, JOINTS, MORPH_NAMES, small_twin
from gltf.skinning import pose_body, rotation

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SHADER_M = 1e-5
"""float32 skinning in the browser, metres."""


@pytest.fixture(scope="module")
def full_glb() -> bytes:
    return twin_to_glb(full_size_twin())


@pytest.fixture
def page(browser, serve):
    return load(browser, serve(twin_to_glb(small_twin())))


def test_bones_shapes_and_extras_arrive(page):
    report = page.execute_script("return window.report")
    assert report["bones"] == list(JOINTS)
    assert report["shapes"] == list(MORPH_NAMES)
    assert report["influences"] == [0, 0, 0]
    assert report["userData"]["bodyscan"]["consent"] == CONSENT
    assert report["userData"]["bodyscan"]["measurements"][0]["value_cm"] == 170.0
    assert report["assetExtras"]["bodyscan"]["provenance"]["input_name"] == "scan.ply"
    assert {"position", "normal", "uv", "color", "skinIndex", "skinWeight"} <= set(report["attributes"])


def test_the_raised_arm_is_seen_in_the_picture(page):
    before = picture(page)
    page.execute_script("window.turn('leftUpperArm', 'z', 80)")
    after = picture(page)
    # Shoulder at (0.2, 1.4); the hand, 0.6 m away, goes up. The person's left is on the right of the picture.
    raised = (0.2 + 0.5 * np.cos(np.radians(80)), 1.4 + 0.5 * np.sin(np.radians(80)))
    assert is_body(before, 0.7, 1.4)
    assert not is_body(before, *raised)
    assert not is_body(after, 0.7, 1.4)
    assert is_body(after, *raised)
    # The other half of the person stays as it is, pixel for pixel.
    half = SIZE // 2 - 20
    assert np.array_equal(before[:, :half], after[:, :half])
    assert (before != after).any(axis=2).sum() > 1000


def test_the_browser_skins_as_the_specification_says(page):
    page.execute_script("window.turn('leftUpperArm', 'z', 60); window.turn('rightLowerArm', 'y', -40)")
    body = read_glb(twin_to_glb(small_twin()))
    expected = pose_body(body, {"leftUpperArm": rotation("z", 60), "rightLowerArm": rotation("y", -40)})
    assert np.allclose(page.execute_script("return window.positions()"), expected, atol=SHADER_M)


def test_driving_the_jaw_changes_the_head_alone(page):
    before = picture(page)
    page.execute_script("window.drive('jawOpen', 1)")
    after = picture(page)
    changed = (before != after).any(axis=2)
    assert changed.sum() > 200
    rows = np.flatnonzero(changed.any(axis=1))
    # The shape moves the torso's top ring; the light changes as far down as the ring after next, at 1.09 m.
    assert rows.max() <= pixel(0, 1.07)[0]
    # The test shape lifts the head by 0.1 m.
    assert not is_body(before, 0.0, 1.76)
    assert is_body(after, 0.0, 1.76)


def test_colours_are_shown_as_the_scan_had_them(page):
    page.execute_script("window.unlit()")
    image = picture(page)
    mesh = small_twin().rig.mesh
    assert mesh.colors is not None
    for height in (0.5, 1.0):
        row, column = pixel(0.0, height)
        near = np.argmin(np.abs(mesh.vertices[:, 1] - height) + (np.abs(mesh.vertices[:, 0]) > 0.15) * 10)
        slope = 90 * abs(mesh.vertices[near, 1] - height)
        difference = np.abs(image[row, column].astype(int) - mesh.colors[near])
        assert difference.max() <= slope + 3


def test_images_are_shown_as_they_were_baked(browser, serve):
    twin = complete_small_twin(512)
    page = load(browser, serve(twin_to_glb(twin, GltfOptions(texture_format="png"))))
    report = page.execute_script("return window.report")
    assert report["images"] == {"map": [512, 512], "normalMap": [512, 512], "roughnessMap": [512, 512]}
    assert "tangent" in report["attributes"]
    assert "color" not in report["attributes"]
    page.execute_script("window.unlit(); window.lookAt(0, 0.7, 0.12)")
    image = picture(page).astype(int)
    near = [np.abs(image - color).max(axis=2) < 3 for color in (LIGHT, DARK)]
    # Both fields of the checker are there, and nothing but them and the smoothed edges between them.
    assert min(each.mean() for each in near) > 0.3
    assert (near[0] | near[1]).mean() > 0.9


def test_a_full_size_person_lifts_the_arm(browser, serve, full_glb):
    page = load(browser, serve(full_glb))
    twin = full_size_twin()
    before = picture(page)
    page.execute_script("window.turn('leftUpperArm', 'z', 60)")
    after = picture(page)
    body = read_glb(full_glb)
    expected = pose_body(body, {"leftUpperArm": rotation("z", 60)})
    assert np.allclose(page.execute_script("return window.positions()"), expected, atol=SHADER_M)
    hand = twin.rig.skeleton.joint_names.index("leftHand")
    of_hand = (body.joint_indices[:, 0] == hand) & (body.joint_weights[:, 0] > 0.9)
    old, new = body.positions[of_hand].mean(axis=0), expected[of_hand].mean(axis=0)
    assert np.linalg.norm(new - old) > 0.3
    assert is_body(before, old[0], old[1])
    assert not is_body(after, old[0], old[1])
    assert is_body(after, new[0], new[1])
    # The person's right half, on the left of the picture, stays pixel for pixel.
    assert np.array_equal(before[:, : SIZE // 2 - 60], after[:, : SIZE // 2 - 60])


def test_a_full_size_person_opens_the_jaw(browser, serve, full_glb):
    page = load(browser, serve(full_glb))
    twin = full_size_twin()
    head = twin.rig.skeleton.positions[twin.rig.skeleton.joint_names.index("head")]
    centre, half = head[1] + 0.06, 0.16
    page.execute_script("window.lookAt(0, arguments[0], arguments[1])", centre, half)
    before = picture(page)
    page.execute_script("window.drive('jawOpen', 1)")
    opened = (picture(page).astype(int) - before != 0).any(axis=2)
    assert opened.sum() > 2000
    # The mouth and chin change; the crown does not.
    rows = np.flatnonzero(opened.any(axis=1))
    crown = twin.rig.mesh.vertices[:, 1].max()
    assert centre + half - rows.min() / SIZE * 2 * half < crown - 0.05


def test_consent_and_geometry_survive_the_export_of_three(browser, serve, full_glb):
    page = load(browser, serve(full_glb))
    again = base64.b64decode(page.execute_async_script("window.exported().then(arguments[0])"))
    text, positions, faces = read_consent(again)
    _, first_positions, first_faces = read_consent(full_glb)
    assert text == CONSENT
    assert geometry_digest(positions, faces) == geometry_digest(first_positions, first_faces)


def test_the_whole_browser_window_can_be_photographed(page, tmp_path):
    path = Path(tmp_path) / "twin.png"
    assert page.save_screenshot(str(path))
    from PIL import Image

    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB"))
    assert (pixels.min(axis=2) < 250).sum() > 5000
