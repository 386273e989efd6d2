"""Frames of a video file, one at a time, by OpenCV (FFmpeg).

A phone's video cannot be held in memory (a minute of 1920 by 1440 pixels is 20 GB), and jumping to a frame is
not exact in the codecs that phones write: a decoder lands on the nearest key frame and guesses. So frames are
decoded in order. A frame ahead is reached by decoding up to it, a frame behind by starting anew: ask for
frames in ascending order.

Two habits of video players are switched off, because they part the frames from what was noted beside them:
turning the picture by the file's rotation tag (intrinsics hold for the sensor's own rows and columns), and
hiding frames by the file's edit list (ISO/IEC 14496-12, box `edts`; recorders of Apple's AVAssetWriter hide
the first, and every later picture would stand beside its neighbour's depth). OpenCV 4.11 passes no such
option on to FFmpeg: it reads the file through a stream in which these boxes are named `free`, which all skip.
"""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, overload

import numpy as np

from bodyscan.errors import InputError
from bodyscan.types import U8

LOG_LEVEL = "OPENCV_FFMPEG_LOGLEVEL"
"""Environment variable that OpenCV reads when it first opens a video; -8 keeps FFmpeg from the console."""
HOLDERS = (b"moov", b"trak")
"""Boxes of an MP4 file on the way to an edit list."""
MOST_PIXELS = 64_000_000
"""No camera's video has larger pictures; a header that says so is damaged or hostile."""

_opening = threading.Lock()


class VideoFrames(Sequence[U8]):
    """The pictures of a video, (H, W, 3) uint8 sRGB each, decoded when asked for; none is kept.

    Raises `InputError` that names the file: when it is opened, where it is missing or no video that FFmpeg
    knows; when a frame is asked for, where the video is damaged or ends before it. Fit for several threads.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise InputError(f"The video {path.name} is not at {path}; copy it there.")
        self.path = path
        self._lock = threading.Lock()
        self._next = 0
        self._capture, self._stream = _opened(path)
        import cv2

        self.width = int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        """Pixels of a row, as stored."""
        self.height = int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        """Rows, as stored."""
        self._count = int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        if self._count < 1 or self.width < 1 or self.height < 1 or self.width * self.height > MOST_PIXELS:
            raise InputError(
                f"The video {path.name} tells {self._count} frames of {self.width} by {self.height} pixels; "
                "that cannot be: record or copy it again."
            )

    def __len__(self) -> int:
        """The number of frames that the file's index tells; a damaged file may hold fewer."""
        return self._count

    @overload
    def __getitem__(self, index: int) -> U8: ...

    @overload
    def __getitem__(self, index: slice) -> list[U8]: ...

    def __getitem__(self, index: int | slice) -> U8 | list[U8]:
        if isinstance(index, slice):
            return [self[k] for k in range(*index.indices(self._count))]
        place = index + self._count if index < 0 else index
        if not 0 <= place < self._count:
            raise IndexError(f"{self.path.name} has {self._count} frames, and no frame {index}.")
        with self._lock:
            return self._frame(place)

    def _frame(self, place: int) -> U8:
        if place < self._next:
            self._capture.release()
            self._stream.close()
            self._next = 0
            self._capture, self._stream = _opened(self.path)
        while self._next < place:
            self._require(self._capture.grab(), place)
            self._next += 1
        found, picture = self._capture.read()
        self._require(found, place)
        self._next += 1
        if picture.shape != (self.height, self.width, 3):
            raise InputError(
                f"{self.path.name}: frame {place} has {picture.shape[1]} by {picture.shape[0]} pixels, the "
                f"video {self.width} by {self.height}; record it again."
            )
        return np.ascontiguousarray(picture[..., ::-1])

    def _require(self, decoded: bool, place: int) -> None:
        if not decoded:
            raise InputError(
                f"{self.path.name} is damaged or cut off: its frame {place} of {self._count} cannot be "
                f"decoded (the one at {self._next}). Copy it again."
            )


class _Stream(io.BufferedIOBase):
    """The bytes of a file, its edit lists renamed."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._renamed = list(_edit_lists(self._file, 0, path.stat().st_size))
        self._file.seek(0)

    def read(self, size: int | None = -1) -> bytes:
        start = self._file.tell()
        data = self._file.read(-1 if size is None else size)
        for place in self._renamed:
            if start - 4 < place < start + len(data):
                patched = bytearray(data)
                for k in range(max(place, start), min(place + 4, start + len(data))):
                    patched[k - start] = b"free"[k - place]
                data = bytes(patched)
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def close(self) -> None:
        self._file.close()
        super().close()


def _edit_lists(file: BinaryIO, start: int, end: int) -> list[int]:
    """Places of the names `edts` of an MP4 file's boxes between two places; empty for other files."""
    found: list[int] = []
    while start + 8 <= end:
        file.seek(start)
        head = file.read(16)
        size, kind, body = int.from_bytes(head[:4], "big"), head[4:8], start + 8
        if size == 1:
            size, body = int.from_bytes(head[8:16], "big"), start + 16
        stop = end if size == 0 else start + size
        if stop < body or stop > end:  # no MP4 file, or one that was cut off
            break
        if kind == b"edts":
            found.append(start + 4)
        elif kind in HOLDERS:
            found += _edit_lists(file, body, stop)
        start = stop
    return found


def _opened(path: Path) -> tuple[Any, _Stream]:
    """A `cv2.VideoCapture` at the first frame of a file, and what it reads from."""
    import cv2

    stream = _Stream(path)
    level = cv2.getLogLevel()
    with _opening:  # log level and environment belong to the whole process
        before = os.environ.get(LOG_LEVEL)
        os.environ[LOG_LEVEL] = "-8" if before is None else before
        cv2.setLogLevel(0)
        video_capture: Any = cv2.VideoCapture
        try:
            capture = video_capture(stream, cv2.CAP_FFMPEG, [])
        except cv2.error:
            capture = None
        finally:
            cv2.setLogLevel(level)
            if before is None:
                del os.environ[LOG_LEVEL]
    if capture is None or not capture.isOpened():
        stream.close()
        raise InputError(
            f"{path.name} is no video that can be read: it is damaged, or of a kind that FFmpeg lacks."
        )
    capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 0)
    return capture, stream
