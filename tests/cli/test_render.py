from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from bodyscan.cli.main import app
from bodyscan.consent import Evidence
from bodyscan.gltf import GltfOptions
from bodyscan.gltf.container import pack_glb, unpack_glb
from bodyscan.mark import read_mark
from cli.twins import MADE, write_annas_twin
from consent.status_lists import INDEX, both, listed_values

SMALL = ("--size", "240x320")
USE = ("--territory", "DE", "--medium", "web")


def run(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(app, ["render", *(str(argument) for argument in arguments)])
    assert result.exit_code == code, (result.output, result.exception)
    return result


def refused(twin: Path, picture: Path, *arguments: object, code: int) -> str:
    """The message, after checking that nothing was written."""
    message = run(twin, "-o", picture, *SMALL, *arguments, code=code).stderr
    assert sorted(path.name for path in picture.parent.iterdir() if path != twin) == []
    return " ".join(message.split())


@pytest.fixture(scope="module")
def twin(tmp_path_factory) -> Path:
    return write_annas_twin(tmp_path_factory.mktemp("anna") / "anna.glb")


@pytest.fixture
def picture(tmp_path) -> Path:
    return tmp_path / "picture.png"


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def test_the_picture_shows_the_twins_own_texture_and_carries_the_marks(twin, picture):
    values = json.loads(run(twin, "-o", picture, *SMALL, *USE, "--json").stdout)
    image = pixels(picture)
    assert image.shape == (320, 240, 3)
    red = (image[..., 0] > image[..., 2] + 60).sum()
    blue = (image[..., 2] > image[..., 0] + 60).sum()
    assert min(red, blue) > 300  # the checker of red and blue
    found = read_mark(picture)
    assert found is not None
    assert found[0].record_id == values["record_id"]
    assert found[0].purpose == "render"
    assert values["pictures"][0]["path"] == str(picture)


def test_the_picture_is_the_same_for_every_target_and_packing(twin, tmp_path):
    reference = tmp_path / "reference.png"
    run(twin, "-o", reference, *SMALL, *USE)
    for target in ("mixamo", "unity"):
        other = write_annas_twin(tmp_path / f"{target}.glb", GltfOptions(target=target))
        run(other, "-o", tmp_path / "other.png", *SMALL, *USE)
        assert np.abs(pixels(reference) - pixels(tmp_path / "other.png")).mean() < 0.1, target


def test_a_packed_twin_is_drawn_as_the_master_is(twin, tmp_path):
    from bodyscan.gltf.pack.options import profile
    from bodyscan.gltf.pack.pack import pack

    packed = tmp_path / "packed.glb"
    packed.write_bytes(pack_glb(*pack(*unpack_glb(twin), profile("web"))))
    run(twin, "-o", tmp_path / "plain.png", *SMALL, *USE)
    values = json.loads(run(packed, "-o", tmp_path / "packed.png", *SMALL, *USE, "--json").stdout)
    assert "repacked" in values["reason"]
    assert np.abs(pixels(tmp_path / "plain.png") - pixels(tmp_path / "packed.png")).mean() < 2


def test_an_expression_and_a_background_change_the_picture(twin, tmp_path):
    calm, open_mouth, dark = (tmp_path / f"{name}.png" for name in ("calm", "open", "dark"))
    run(twin, "-o", calm, *SMALL, *USE, "--view", "face")
    run(twin, "-o", open_mouth, *SMALL, *USE, "--view", "face", "--expression", "jawOpen=1")
    run(twin, "-o", dark, *SMALL, *USE, "--view", "face", "--background", "#102030")
    assert np.abs(pixels(calm) - pixels(open_mouth)).max() > 40
    assert pixels(dark)[2, 120].sum() < 200 < pixels(calm)[2, 120].sum()


def test_a_turntable_writes_numbered_pictures(twin, picture):
    values = json.loads(run(twin, "-o", picture, *SMALL, *USE, "--turntable", 3, "--json").stdout)
    names = [Path(entry["path"]).name for entry in values["pictures"]]
    assert names == ["picture_1.png", "picture_2.png", "picture_3.png"]
    assert sorted(path.name for path in picture.parent.iterdir()) == names
    assert all(read_mark(picture.with_name(name)) for name in names)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--territory", "FR", "--medium", "web"), "territory FR is not allowed"),
        (("--territory", "DE", "--medium", "print"), "medium print is not allowed"),
        ((*USE, "--purpose", "advertising"), "purpose advertising is not allowed"),
        ((*USE, "--licensee", "Nobody"), "Nobody is no licensee"),
        ((*USE, "--content", "nudity"), "never shown in or with nudity"),
    ],
)
def test_a_use_that_the_record_does_not_cover_is_refused_before_anything_is_drawn(
    twin, picture, arguments, reason, monkeypatch
):
    monkeypatch.setattr("bodyscan.render.twin_picture.render_twin", _never)
    message = refused(twin, picture, *arguments, code=4)
    assert "not covered" in message
    assert reason in message


def _never(*_: Any, **__: Any) -> None:
    raise AssertionError("the twin was drawn")


def test_a_use_whose_facts_are_missing_is_refused(twin, picture):
    assert "no territory is stated" in refused(twin, picture, "--medium", "web", code=4)


def test_a_licensee_of_the_record_may_draw(twin, picture):
    run(twin, "-o", picture, *SMALL, *USE, "--licensee", "Shop")
    assert picture.is_file()


def test_a_record_with_status_lists_is_refused_without_them_and_where_they_revoke(tmp_path):
    far = datetime(2125, 1, 1, tzinfo=UTC)
    place = {"valid_from": MADE, "valid_until": far}
    good = both(**place)
    twin = write_annas_twin(
        tmp_path / "anna.glb",
        evidence=Evidence(status_lists=tuple(good)),
        withdrawal__status=listed_values()["withdrawal"]["status"],
    )
    folder, lists, out = tmp_path / "evidence", tmp_path / "evidence" / "lists", tmp_path / "out"
    lists.mkdir(parents=True)
    out.mkdir()
    picture = out / "picture.png"
    assert "revocation list that the record names" in refused(twin, picture, *USE, code=4)
    for number, text in enumerate(both(INDEX, sequence=8, **place)):
        (lists / f"{number}.txt").write_text(text)
    assert "revoked" in refused(twin, picture, *USE, "--evidence", folder, code=4)
    for number, text in enumerate(both(sequence=9, **place)):
        (lists / f"{number}.txt").write_text(text)
    run(twin, "-o", picture, *SMALL, *USE, "--evidence", folder)
    assert picture.is_file()


def test_a_pose_or_an_expression_needs_a_record_that_lets_the_twin_be_changed(tmp_path):
    twin = write_annas_twin(tmp_path / "anna.glb", scope__modification="format")
    picture = tmp_path / "picture.png"
    message = refused(twin, picture, *USE, "--expression", "jawOpen=0.5", code=4)
    assert "needs the modification pose, and the record allows format" in message
    run(twin, "-o", picture, *SMALL, *USE)


def test_another_body_under_the_record_is_refused(twin, tmp_path):
    document, binary = unpack_glb(twin)
    accessor = document["accessors"][document["meshes"][0]["primitives"][0]["attributes"]["POSITION"]]
    view = document["bufferViews"][accessor["bufferView"]]
    begin = view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
    data = bytearray(binary)
    points = np.frombuffer(data, "<f4", accessor["count"] * 3, begin)
    points *= np.float32(1.05)
    folder = tmp_path / "out"
    folder.mkdir()
    other = tmp_path / "other.glb"
    other.write_bytes(pack_glb(document, bytes(data)))
    assert "error: The consent is" in refused(other, folder / "picture.png", *USE, code=4)


def test_a_twin_without_a_record_is_refused(twin, tmp_path):
    document, binary = unpack_glb(twin)
    bare = tmp_path / "bare.glb"
    text = json.dumps(document).replace("BODYSCAN_consent", "X_x").replace('"bodyscan:consent"', '"x"')
    bare.write_bytes(pack_glb(json.loads(text.replace('"consent"', '"y"')), binary))
    assert "stripped" in refused(bare, tmp_path / "picture.png", *USE, code=4)


def test_a_body_whose_joints_show_another_one_at_rest_is_refused(twin, picture):
    from bodyscan.errors import InputError
    from bodyscan.gltf import read_glb
    from bodyscan.gltf.read_content import read_content
    from bodyscan.run.allowed_twin import _check_drawn

    _, content = read_content(twin)
    body = read_glb(twin)
    _check_drawn(content, body, "anna.glb")
    moved = body.positions.copy()
    moved[5, 1] += 0.001
    object.__setattr__(body, "positions", moved)
    with pytest.raises(InputError, match="shows another body at rest"):
        _check_drawn(content, body, "anna.glb")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--size", "big"), "--size big is not understood; give WIDTHxHEIGHT"),
        (("--size", "9000x100"), "possible is 200 to 4096"),
        (("--background", "blue"), "--background blue is not understood; give studio, white"),
        (("--expression", "smile=2"), "--expression smile=2 is not understood"),
        (("--expression", "smile", "--expression", "smile=1"), "smile was given twice"),
        (("--expression", "frown=1"), "no expression and no face shape frown"),
        (("--view", "face", "--turntable", "4"), "leave the view 'face' out"),
    ],
)
def test_options_that_are_not_understood_are_refused(twin, picture, arguments, message):
    assert message in refused(twin, picture, *USE, *arguments, code=3)


def test_a_picture_of_another_kind_is_refused(twin, tmp_path):
    message = refused(twin, tmp_path / "picture.gif", *USE, code=3)
    assert "picture.gif must end in one of .png" in message


def test_a_missing_twin_and_a_missing_folder_are_refused(twin, tmp_path):
    assert "There is no file" in refused(tmp_path / "none.glb", tmp_path / "picture.png", *USE, code=3)
    assert "does not exist" in run(twin, "-o", tmp_path / "none" / "a.png", *USE, code=3).stderr
