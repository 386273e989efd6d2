from __future__ import annotations

import base64
import io
import re
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from PIL import Image

from bodyscan.errors import InputError
from bodyscan.geometry.view import View
from bodyscan.mark import SourceType
from bodyscan.mark.metadata import parse_packet
from bodyscan.render.depth_report import DepthReportData, depth_report_page, write_depth_report
from bodyscan.render.depth_report_charts import plan_svg, sway_svg
from bodyscan.render.depth_report_pictures import (
    NEVER_SEEN,
    Coverage,
    ExampleFrame,
    coverage_pictures,
    depth_picture,
    frame_pictures,
    quarter_turns,
)
from bodyscan.render.report import ConsentSummary, StageTime
from bodyscan.types import DepthFrame

from .shapes import MARK, ball, made_twin
from .test_report import HOSTILE, SMALL, Tags, embedded

COUNT = 12


def ring(turn: float = 2 * np.pi, count: int = COUNT) -> np.ndarray:
    """(N, 4, 4) cameras 2 m from the middle, walking from the person's front towards their left."""
    poses = []
    for angle in np.linspace(0, turn, count, endpoint=False):
        view = View.look_at((2 * np.sin(angle), 1, 2 * np.cos(angle)), (0, 1, 0), (0, 1, 0), 100, 64, 48)
        poses.append(np.linalg.inv(view.camera_from_world))
    return np.array(poses)


def frame(note: str = "") -> DepthFrame:
    depth = np.full((48, 64), 2.5, np.float32)
    depth[10:40, 20:40] = 2.0
    color = np.full((48, 64, 3), 90, np.uint8)
    K = np.array([[100.0, 0, 32], [0, 100, 24], [0, 0, 1]])
    return DepthFrame(depth, K, color, name=f"frame-7{note}")


def made_data(note: str = "") -> DepthReportData:
    mesh = made_twin()[0].mesh
    consent = ConsentSummary(MARK.record_id + note, "heron" + note, "Studio" + note, "Valid." + note)
    way = np.stack([np.sin(np.arange(COUNT)), np.zeros(COUNT), np.cos(np.arange(COUNT))], axis=1) * 9
    return DepthReportData(
        "capture-3" + note,
        "1 May 2026" + note,
        mesh,
        np.linspace(0, 1, len(mesh.vertices), dtype=np.float32),
        2.0,
        replace(MARK, record_id=MARK.record_id + note),
        consent,
        tuple(f"{k:03d}.png{note}" for k in range(COUNT)),
        20,
        ring(),
        True,
        Coverage(
            {"all": 0.8, "head": 0.95, "left_foot": 0.25, "torso": 0.9, "x" + note: 0.1},
            mesh,
            mesh.vertices[:, 1] > 0.2,
        ),
        way,
        (("Turn" + note, "360°" + note, "Around." + note),),
        (("Seen" + note, "80" + note, "%" + note),),
        ExampleFrame(frame(note), frame().depth_m < 2.2, ring()[0]),
        (StageTime("poses" + note, 1.5, note),),
        ("Look here." + note,),
        {"scan.ply" + note: "3 MB" + note},
        {"Sensor": "azure-kinect" + note},
        SMALL,
    )


@cache
def page() -> str:
    return depth_report_page(made_data())


def test_tags_nest_and_nothing_comes_from_elsewhere():
    tags = Tags(page())
    assert not tags.open
    for tag, attributes in tags.found:
        assert tag not in ("script", "link", "iframe", "image", "use")
        for name in ("src", "href", "xlink:href"):
            assert (attributes.get(name) or "data:").startswith("data:")
        assert not [name for name in attributes if name.startswith("on")]


def test_every_picture_is_marked_with_the_consent():
    kinds = []
    for data in embedded(page()):
        with Image.open(io.BytesIO(data)) as image:
            mark = parse_packet(image.info["xmp"].decode())
        assert mark is not None
        assert mark[0] == MARK
        kinds.append(mark[1])
    # Four sides, coverage and confidence from two each, the frame as taken and cut out.
    assert len(kinds) == 4 + 2 + 2 + 2
    assert kinds.count(SourceType.DATA_DRIVEN_MEDIA) == 4
    pictures = [attributes for tag, attributes in Tags(page()).found if tag == "img"]
    assert all(len(attributes["alt"] or "") > 15 for attributes in pictures)


@pytest.mark.parametrize(
    "text",
    ["capture-3", "12 of 20 frames", "All around", "360°", "Look here.", "azure-kinect", "scan.ply", "1.5 s",
     "one half where the expected error is 2 mm", "80 % of the body was seen",
     "frame-7, 64 x 48 pixels", "Hardly seen: X, Left foot."],
)  # fmt: skip
def test_the_page_says(text):
    assert text in page()


def test_the_least_seen_part_stands_first():
    rows = re.findall(r'<th scope="row">([^<]+)</th><td class="number">([\d.]+) %', page())
    assert [name for name, _ in rows] == ["X", "Left foot", "Torso", "Head"]
    shares = [float(share) for _, share in rows]
    assert shares == sorted(shares)


def test_text_from_files_is_escaped_everywhere():
    text = depth_report_page(made_data(HOSTILE))
    assert "<script" not in text
    assert not Tags(text).open
    assert text.count("&lt;script&gt;") > COUNT + 10


def test_who_stood_still_has_no_curve():
    text = depth_report_page(replace(made_data(), head_way_mm=None))
    assert "taken to stand still" in text
    assert page().count("<svg") == text.count("<svg") + 1


def test_an_open_capture_is_said():
    text = depth_report_page(replace(made_data(), is_all_around=False, example=None))
    assert "Not all around" in text
    assert "One frame" not in text


def test_what_does_not_belong_together_is_refused():
    with pytest.raises(InputError, match="12 frames were named"):
        replace(made_data(), world_from_camera=ring(count=5))
    with pytest.raises(InputError, match="the head's way has"):
        replace(made_data(), head_way_mm=np.zeros((3, 3)))
    with pytest.raises(InputError, match="confidences were given"):
        depth_report_page(replace(made_data(), confidence=np.ones(3, np.float32)))
    with pytest.raises(InputError, match="need the consent that covers them"):
        depth_report_page(replace(made_data(), mark=None))  # type: ignore[arg-type]


def test_a_report_that_cannot_be_drawn_leaves_no_folder(tmp_path):
    with pytest.raises(InputError):
        write_depth_report(tmp_path / "new", replace(made_data(), confidence=np.ones(3, np.float32)))
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="is a file"):
        write_depth_report(tmp_path / "file", made_data())


def test_what_no_camera_saw_is_red_and_only_that():
    body = ball(0.8, (0, 0.9, 0))
    seen = body.vertices[:, 2] < 0  # the back
    front, back = coverage_pictures(Coverage({"all": 0.5}, body, seen), SMALL)

    def share_of_red(image: np.ndarray) -> float:
        r, g = image[..., 0].astype(int), image[..., 1].astype(int)
        return float((r - g > 60).mean())

    assert NEVER_SEEN[0] - NEVER_SEEN[1] > 60
    assert share_of_red(front.image) > 0.2
    assert share_of_red(back.image) < 0.02
    with pytest.raises(InputError, match="vertices of the body"):
        coverage_pictures(Coverage({"all": 0.5}, body, seen[:-1]), SMALL)


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_a_camera_that_was_held_on_its_side_gives_an_upright_picture(turns):
    """The picture is upright where its upper edge is the world's."""
    pose = ring()[3].copy()
    quarter = np.linalg.matrix_power(np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]), turns)
    held = pose.copy()
    held[:3, :3] = pose[:3, :3] @ quarter
    height_of_pixels = np.add.outer(np.arange(-2, 3) * held[1, 1], np.arange(-3, 4) * held[1, 0])
    upright = np.rot90(height_of_pixels, quarter_turns(held))
    assert upright[0].mean() > upright[-1].mean() + 0.5


def test_the_frame_keeps_the_person_and_pales_the_rest():
    mask = frame().depth_m < 2.2
    taken, cut = (picture.image for picture in frame_pictures(ExampleFrame(frame(), mask, ring()[0])))
    times = taken.shape[0] // 48
    small = cut[times // 2 :: times, times // 2 :: times]
    whole = taken[times // 2 :: times, times // 2 :: times]
    assert (small[mask] == whole[mask]).all()
    assert (small[~mask] > 150).all()
    assert (whole == depth_picture(frame().depth_m)).all()


def test_the_frame_is_shown_by_its_depth_and_never_by_its_photo():
    bare = frame()
    taken, _ = frame_pictures(ExampleFrame(bare, bare.depth_m < 2.2, ring()[0]))
    assert "depth picture" in taken.alt
    lightness = depth_picture(bare.depth_m).astype(int).sum(axis=2)
    assert lightness[20, 30] > lightness[2, 2]  # near is bright


def points_of(svg: str, tag: str) -> list[np.ndarray]:
    found = re.findall(rf'<{tag} points="([^"]+)"', svg)
    return [np.array([[float(v) for v in pair.split(",")] for pair in text.split()]) for text in found]


def test_the_plan_is_true_to_scale_and_the_person_faces_down():
    mesh = ball(0.3, (0, 1, 0))
    svg = plan_svg(ring(), mesh)
    outline, *cameras = points_of(svg, "polygon")
    assert len(cameras) == COUNT
    eyes = np.array([camera[0] for camera in cameras])
    middle = outline.mean(axis=0)
    distance = np.linalg.norm(eyes - middle, axis=1)
    radius = np.linalg.norm(outline - middle, axis=1).mean()
    assert np.allclose(distance / radius, 2 / 0.3, rtol=0.03)
    assert eyes[0, 1] > middle[1] + 0.9 * distance[0]  # the first camera stands in front: below
    assert eyes[COUNT // 4, 0] > middle[0] + 0.9 * distance[0]  # the person's left is on the right
    ahead = np.array([camera[1:].mean(axis=0) - camera[0] for camera in cameras])
    assert (np.einsum("nk,nk->n", ahead, middle - eyes) > 0).all()  # all look at the person


def test_cameras_that_jump_around_the_person_are_not_joined():
    mesh = ball(0.3, (0, 1, 0))
    assert [len(line) for line in points_of(plan_svg(ring(), mesh), "polyline")] == [COUNT]
    poles = np.concatenate([ring(count=4), ring(count=4)])
    assert points_of(plan_svg(poles, mesh), "polyline") == []


def test_the_curve_shows_each_direction_to_scale():
    way = np.zeros((5, 3))
    way[:, 0] = [0, 10, 0, -10, 0]
    way[:, 2] = 5
    left, up, forwards = points_of(sway_svg(way), "polyline")
    assert np.ptp(up[:, 1]) == 0
    assert np.ptp(left[:, 1]) == pytest.approx(4 * (up[0, 1] - forwards[0, 1]), abs=0.5)
    assert left[1, 1] < left[3, 1]  # to the left is up
    assert np.isfinite(np.concatenate([left, up, forwards])).all()


def test_a_head_that_did_not_move_has_a_curve_too():
    assert "nan" not in sway_svg(np.zeros((2, 3)))
    assert "nan" not in sway_svg(np.zeros((1, 3)))


def test_there_is_a_jpeg_behind_each_address():
    for data in embedded(page()):
        assert base64.b64encode(data)[:4] == b"/9j/"
