"""RealSense recordings, `.bag` files of librealsense (ROS 1).

Container: http://wiki.ros.org/Bags/Format/2.0; topics: librealsense's `ros_file_format.h`:

    /device_0/info                             the camera's name
    /device_0/sensor_N/Depth_0/image/data      16-bit depth, 0 is none
    /device_0/sensor_N/option/Depth Units/value   metres a unit; 0.001 where it is missing, with a note
    /device_0/sensor_N/Color_0/image/data      rgb8, bgr8, rgba8 or bgra8
    .../info/camera_info                       size and K; pixel centres at integers: half a pixel is added
    .../tf/0                                   takes points from the reference stream's axes to the stream's

Chunks may be plain, bz2 or LZ4 (https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md). Colour comes to
the depth's pixels through its points; a lens's small distortion is left in, with a note where it is not 0.
There are no poses.

Tried on files made after these documents, not yet on a camera's own file.
"""

from __future__ import annotations

import bz2
import mmap
import re
import struct
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bodyscan.capture.depth_frames import from_integer_centres, intrinsics, quaternion_pose
from bodyscan.capture.depth_recordings import Place, RecordedCamera, Recording, recorded_capture
from bodyscan.errors import InputError
from bodyscan.types import F64, U8, DepthCapture

MAGIC = b"#ROSBAG V2.0\n"
MESSAGE, BAG, INDEX, CHUNK, CONNECTION = 2, 3, 4, 5, 7
MOST_CHUNK_BYTES = 1 << 29
DEPTH_ENCODINGS = ("mono16", "16UC1", "z16")
CHANNELS = {"rgb8": (0, 1, 2), "bgr8": (2, 1, 0), "rgba8": (0, 1, 2), "bgra8": (2, 1, 0)}
"""Encoding of a colour picture -> where red, green and blue stand in a pixel."""
LZ4_MAGIC = 0x184D2204


def detect(path: Path) -> bool:
    """Whether `path` is a `.bag` file that begins as a ROS 1 bag does."""
    if path.suffix.lower() != ".bag" or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def read(path: Path, *, sensor: str | None = None, depth_scale: float | None = None) -> DepthCapture:
    """Read the recording; arguments as `bodyscan.capture.depth.read_depth`.

    Raises `InputError` for a truncated file, one that was never closed, and one without a RealSense's depth.
    """
    return recorded_capture(path, _open, sensor, depth_scale)


def _open(data: mmap.mmap, name: str) -> Recording:
    topics = _index(data, name)
    notes: list[str] = []
    depth_topic = _topic(topics, r"/device_0/sensor_\d+/Depth_0/image/data")
    if depth_topic is None:
        raise InputError(
            f"{name} has no topic /device_0/sensor_0/Depth_0/image/data; only bags that RealSense's own "
            "tools recorded are read."
        )
    color_topic = _topic(topics, r"/device_0/sensor_\d+/Color_0/image/data")
    depth, depth_pose = _camera(data, name, topics, depth_topic, notes)
    color, color_pose = None, depth_pose
    if color_topic is None:
        notes.append("There is no colour.")
    else:
        encoding = _image(data, name, topics[color_topic][0][1])[1]
        if encoding in CHANNELS:
            color, color_pose = _camera(data, name, topics, color_topic, notes)
        else:
            notes.append(f"Colour of the encoding {encoding} is not read; record it as rgb8.")
    units = _topic(topics, depth_topic.split("/Depth_0")[0] + r"/option/Depth[ _]Units/value")
    metres = 0.001
    if units is None:
        notes.append("The depths' unit is not told: millimetres were assumed.")
    else:
        (metres,) = struct.unpack_from("<f", _message(data, name, topics[units][0][1]))
        if not 0 < metres < 1:
            raise InputError(f"{name}: the depth unit is {metres:g} m; it must be above 0.")
    device = b"".join(_message(data, name, place) for _, place in topics.get("/device_0/info", []))
    return Recording(
        depth=depth,
        depths=topics[depth_topic],
        load_depth=partial(_depth, size=depth.size),
        scale=1 / float(np.float32(metres)),
        color=color,
        colors=[] if color_topic is None or color is None else topics[color_topic],
        load_color=partial(_color, size=depth.size if color is None else color.size),
        color_from_depth=color_pose @ np.linalg.inv(depth_pose),
        sensor="realsense-d435" if b"RealSense D4" in device else "unknown",
        file_format="realsense",
        notes=notes,
    )


def _topic(topics: dict[str, Any], pattern: str) -> str | None:
    return next((topic for topic in sorted(topics) if re.fullmatch(pattern, topic)), None)


def _index(data: mmap.mmap, name: str) -> dict[str, list[tuple[float, Place]]]:
    """Topic -> seconds and place of its messages: offset of the chunk's record, offset in the chunk."""
    names: dict[int, str] = {}
    found: dict[int, list[tuple[float, Place]]] = {}
    chunk = None
    for fields, start, end, at in _records(data, len(MAGIC), len(data)):
        kind = fields["op"][0]
        if kind == BAG and not any(fields["index_pos"]):
            raise InputError(f"{name} was never closed and has no index; repair it with `rosbag reindex`.")
        if kind == CHUNK:
            chunk = at
        elif kind == CONNECTION:
            names[_int(fields["conn"])] = fields["topic"].decode("utf-8", "replace")
        elif kind == INDEX and chunk is not None:
            entries = np.frombuffer(data[start:end], "<u4").reshape(-1, 3).tolist()
            places = found.setdefault(_int(fields["conn"]), [])
            places += [(seconds + 1e-9 * nano, (chunk, offset)) for seconds, nano, offset in entries]
    return {names[number]: sorted(places) for number, places in found.items() if number in names}


def _records(data: Any, at: int, end: int) -> Iterator[tuple[dict[str, bytes], int, int, int]]:
    """Fields of the header, first and last byte of the data, and offset of each record."""
    while at < end:
        first = at
        (length,) = struct.unpack_from("<I", data, at)
        at += 4
        header_end, fields = at + length, {}
        while at < header_end:
            (length,) = struct.unpack_from("<I", data, at)
            key, _, value = bytes(data[at + 4 : at + 4 + length]).partition(b"=")
            fields[key.decode("latin-1")] = value
            at += 4 + length
        (length,) = struct.unpack_from("<I", data, at)
        at += 4
        if at + length > end or not fields.get("op"):
            raise struct.error("a record ends behind the file")
        yield fields, at, at + length, first
        at += length


def _message(data: mmap.mmap, name: str, place: Place) -> bytes:
    fields, start, end, _ = next(_records(data, place[0], len(data)))
    chunk = _unpacked(data[start:end], fields["compression"], _int(fields["size"]), name)
    inner, start, end, _ = next(_records(chunk, place[1], len(chunk)))
    if inner["op"][0] != MESSAGE:
        raise InputError(
            f"{name}: its index leads to something that is no message; repair or record it again."
        )
    return chunk[start:end]


def _unpacked(packed: bytes, kind: bytes, size: int, name: str) -> bytes:
    if size > MOST_CHUNK_BYTES:
        raise InputError(f"{name} has a chunk of {size / 1e6:.0f} MB; no recorder writes such.")
    if kind == b"none":
        chunk = packed
    elif kind == b"bz2":
        try:
            chunk = bz2.BZ2Decompressor().decompress(packed, size + 1)
        except (OSError, EOFError):
            chunk = b""
    elif kind == b"lz4":
        chunk = unpacked_lz4(packed, size)
    else:
        raise InputError(f"{name} is packed as {kind.decode('latin-1')}, which is not known.")
    if len(chunk) != size:
        raise InputError(f"{name} has a damaged chunk; copy or record it again.")
    return chunk


def unpacked_lz4(packed: bytes, most: int) -> bytes:
    """The bytes of an LZ4 frame, at most `most` and what is left of its block.

    Plain Python, 10 to 30 MB a second on depth pictures. Raises `struct.error` or `IndexError` where it ends
    too early.
    """
    (magic, flags) = struct.unpack_from("<IB", packed)
    if magic != LZ4_MAGIC or flags >> 6 != 1:
        raise struct.error("no LZ4 frame")
    at = 7 + (8 if flags & 0x08 else 0) + (4 if flags & 0x01 else 0)
    out = bytearray()
    while len(out) <= most:
        (length,) = struct.unpack_from("<I", packed, at)
        at += 4
        if not length:
            break
        block = packed[at : at + (length & 0x7FFFFFFF)]
        at += (length & 0x7FFFFFFF) + (4 if flags & 0x10 else 0)
        if length >> 31:
            out += block
        else:
            _lz4_block(block, out, most)
    return bytes(out)


def _lz4_block(block: bytes, out: bytearray, most: int) -> None:
    at, end = 0, len(block)
    while len(out) <= most:
        token = block[at]
        at += 1
        literals = token >> 4
        if literals == 15:
            while block[at] == 255:
                literals += 255
                at += 1
            literals += block[at]
            at += 1
        out += block[at : at + literals]
        at += literals
        if at >= end:
            return
        back = block[at] | block[at + 1] << 8
        at += 2
        length = (token & 15) + 4
        if length == 19:
            while block[at] == 255:
                length += 255
                at += 1
            length += block[at]
            at += 1
        if not 0 < back <= len(out):
            raise IndexError("a match before the beginning")
        start = len(out) - back
        if back >= length:
            out += out[start : start + length]
        else:
            out += (out[start:] * (length // back + 1))[:length]


def _camera(
    data: mmap.mmap, name: str, topics: dict[str, list[tuple[float, Place]]], topic: str, notes: list[str]
) -> tuple[RecordedCamera, F64]:
    """The stream's camera and stream_from_reference."""
    stream = topic.removesuffix("/image/data")
    if f"{stream}/info/camera_info" not in topics:
        raise InputError(f"{name} has no {stream}/info/camera_info; record it again.")
    info = _message(data, name, topics[f"{stream}/info/camera_info"][0][1])
    at = _past_header(info)
    height, width = struct.unpack_from("<II", info, at)
    _, at = _text(info, at + 8)
    (count,) = struct.unpack_from("<I", info, at)
    bent = struct.unpack_from(f"<{count}d", info, at + 4)
    K = struct.unpack_from("<9d", info, at + 4 + 8 * count)
    if any(abs(v) > 1e-9 for v in bent):
        notes.append(
            f"The distortion of {stream.rsplit('/', 1)[1]} was left in: {[round(v, 4) for v in bent]}."
        )
    pose = np.eye(4)
    if f"{stream}/tf/0" in topics:
        values = struct.unpack_from("<7d", _message(data, name, topics[f"{stream}/tf/0"][0][1]))
        pose = quaternion_pose(values[3:], values[:3], f"{name}, {stream}/tf/0")
    elif "Color" in stream:
        raise InputError(f"{name} has no {stream}/tf/0, the step from depth to colour; record it again.")
    return RecordedCamera((width, height), from_integer_centres(intrinsics(K[0], K[4], K[2], K[5]))), pose


def _past_header(message: bytes) -> int:
    """Where a message goes on behind its header: number, time, name of the frame."""
    return _text(message, 12)[1]


def _text(message: bytes, at: int) -> tuple[str, int]:
    (length,) = struct.unpack_from("<I", message, at)
    return message[at + 4 : at + 4 + length].decode("utf-8", "replace"), at + 4 + length


def _image(data: mmap.mmap, name: str, place: Place) -> tuple[tuple[int, int], str, int, bytes]:
    """Width and height, encoding, bytes a row, bytes of a picture."""
    message = _message(data, name, place)
    at = _past_header(message)
    height, width = struct.unpack_from("<II", message, at)
    encoding, at = _text(message, at + 8)
    _, step, length = struct.unpack_from("<BII", message, at)
    pixels = message[at + 9 : at + 9 + length]
    if len(pixels) != step * height:
        raise InputError(f"{name}: its picture is cut off; copy or record it again.")
    return (width, height), encoding.lower() if encoding != "16UC1" else encoding, step, pixels


def _rows(picture: tuple[tuple[int, int], str, int, bytes], size: tuple[int, int], name: str) -> U8:
    """(H, bytes a row) uint8, or `InputError` where the picture has another size than its camera."""
    if picture[0] != size:
        raise InputError(
            f"{name} is {picture[0][0]} by {picture[0][1]} pixels and its camera {size[0]} by {size[1]}."
        )
    return np.frombuffer(picture[3], np.uint8).reshape(size[1], picture[2])


def _depth(data: mmap.mmap, name: str, place: Place, size: tuple[int, int]) -> np.ndarray:
    picture = _image(data, name, place)
    if picture[1] not in DEPTH_ENCODINGS:
        raise InputError(f"{name}: depth of the encoding {picture[1]} is not known.")
    rows = np.ascontiguousarray(_rows(picture, size, name)[:, : 2 * size[0]])
    return rows.view("<u2")


def _color(data: mmap.mmap, name: str, place: Place, size: tuple[int, int]) -> U8:
    picture = _image(data, name, place)
    if picture[1] not in CHANNELS:
        raise InputError(f"{name}: colour of the encoding {picture[1]} is not known.")
    count = 4 if "a" in picture[1] else 3
    pixels = _rows(picture, size, name)[:, : count * size[0]].reshape(size[1], size[0], count)
    return np.ascontiguousarray(pixels[..., CHANNELS[picture[1]]])


def _int(value: bytes) -> int:
    return int.from_bytes(value, "little")
