"""Frames of a video: all of them, in any order, as stored; damage is named."""

from __future__ import annotations

import os

import numpy as np
import pytest

from bodyscan.capture.video import VideoFrames
from bodyscan.errors import InputError

from .phone_writers import write_video


def test_a_videos_frames_come_in_any_order(tmp_path):
    pictures = [np.full((48, 64, 3), (20 * k, 250 - 20 * k, 40), np.uint8) for k in range(10)]
    video = VideoFrames(write_video(tmp_path / "v.mp4", pictures))
    assert (len(video), video.width, video.height) == (10, 64, 48)
    for k in (0, 1, 5, 9, 3, 3, -1):
        np.testing.assert_allclose(video[k].astype(int), pictures[k].astype(int), atol=8)
    with pytest.raises(IndexError):
        video[10]


def test_pictures_that_an_edit_list_hides_are_counted(tmp_path):
    import cv2

    pictures = [np.full((48, 64, 3), 20 * k, np.uint8) for k in range(10)]
    path = write_video(tmp_path / "v.mp4", pictures, hide=1)
    player, shown = cv2.VideoCapture(str(path)), 0
    while player.grab():
        shown += 1
    assert shown == 9  # what a player shows
    before = dict(os.environ)
    for k, picture in enumerate(VideoFrames(path)):
        np.testing.assert_allclose(picture.astype(int), pictures[k].astype(int), atol=8)
    assert dict(os.environ) == before


def test_a_damaged_video_is_named(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (10, 48, 64, 3), np.uint8)
    path = write_video(tmp_path / "v.mp4", list(noise))
    data = path.read_bytes()
    start = data.index(b"mdat")
    path.write_bytes(data[: start + 2000] + bytes(8000) + data[start + 10000 :])
    video = VideoFrames(path)
    with pytest.raises(InputError, match=r"v\.mp4 is damaged or cut off"):
        [video[k] for k in range(10)]
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match=r"v\.mp4 is no video"):
        VideoFrames(path)
    with pytest.raises(InputError, match="copy it there"):
        VideoFrames(tmp_path / "none.mp4")
