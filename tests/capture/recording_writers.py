"""Small Azure Kinect and RealSense recordings of known pictures."""

from __future__ import annotations

import bz2
import io
import json
import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

AZURE_SIZE, AZURE_COLOR = (320, 288), (1280, 720)
AZURE_DEPTH_LENS = [0.5125, 0.5037, 0.4924, 0.4926] + [0.0] * 10
"""cx cy fx fy as shares of the sensor, k1 to k6, the centre of distortion, p2 p1."""
AZURE_COLOR_LENS = [0.4987, 0.5021, 0.4781, 0.6374] + [0.0] * 10
COLOR_FROM_DEPTH = np.array([[1, 0, 0, -0.032], [0, 1, 0, -0.002], [0, 0, 1, 0.004], [0, 0, 0, 1.0]])


def element(identity: int, payload: bytes, *, unknown: bool = False) -> bytes:
    """An element of Matroska, its size in eight bytes."""
    name = identity.to_bytes((identity.bit_length() + 7) // 8, "big")
    size = b"\x01" + b"\xff" * 7 if unknown else (1 << 56 | len(payload)).to_bytes(8, "big")
    return name + size + payload


def number(identity: int, value: int) -> bytes:
    return element(identity, value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big"))


def jpeg(color: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(color).save(stream, "JPEG", quality=95)
    return stream.getvalue()


def azure_calibration(depth_lens: Sequence[float] = AZURE_DEPTH_LENS) -> dict:
    def camera(place: str, lens: Sequence[float], pose: np.ndarray, size: tuple[int, int]) -> dict:
        return {
            "Location": f"CALIBRATION_CameraLocation{place}",
            "Intrinsics": {
                "ModelType": "CALIBRATION_LensDistortionModelBrownConrady",
                "ModelParameters": list(lens),
            },
            "Rt": {"Rotation": pose[:3, :3].reshape(-1).tolist(), "Translation": pose[:3, 3].tolist()},
            "SensorWidth": size[0],
            "SensorHeight": size[1],
        }

    cameras = [camera("D0", depth_lens, np.eye(4), (1024, 1024))]
    cameras.append(camera("PV0", AZURE_COLOR_LENS, COLOR_FROM_DEPTH, (4096, 3072)))
    return {"CalibrationInformation": {"Cameras": cameras}}


def write_azure(
    path: Path,
    depths: Sequence[np.ndarray],
    colors: Sequence[np.ndarray],
    calibration: dict | None = None,
    *,
    unknown: bool = False,
) -> Path:
    """Depths (288, 320) uint16 mm and colours (720, 1280, 3), one of each every 33 ms."""

    def track(index: int, name: str, codec: bytes, size: tuple[int, int]) -> bytes:
        header = struct.pack("<IiiHH4sIiiII", 40, *size, 1, 24, codec, 0, 0, 0, 0, 0)
        video = element(0xE0, number(0xB0, size[0]) + number(0xBA, size[1]))
        parts = number(0xD7, index) + number(0x73C5, index) + element(0x536E, name.encode())
        return element(0xAE, parts + element(0x86, b"V_MS/VFW/FOURCC") + element(0x63A2, header) + video)

    tracks = track(1, "COLOR", b"MJPG", AZURE_COLOR) + track(2, "DEPTH", b"b16g", AZURE_SIZE)
    document = json.dumps(azure_calibration() if calibration is None else calibration).encode() + b"\0"
    attached = element(0x466E, b"calibration.json") + element(0x4660, b"application/octet-stream")
    attachments = element(0x1941A469, element(0x61A7, attached + element(0x465C, document)))
    clusters = b""
    for k, (depth, color) in enumerate(zip(depths, colors, strict=True)):
        blocks = number(0xE7, 33 * k)
        blocks += element(0xA3, struct.pack(">BhB", 0x81, 5, 0x80) + jpeg(color))
        # One as a block in a group, as recorders write where a block has a duration.
        block = struct.pack(">BhB", 0x82, 0, 0) + depth.astype(">u2").tobytes()
        blocks += element(0xA0, element(0xA1, block) + number(0x9B, 33))
        clusters += element(0x1F43B675, blocks, unknown=unknown)
    info = element(0x1549A966, number(0x2AD7B1, 1_000_000) + element(0x4D80, b"made"))
    segment = info + element(0x1654AE6B, tracks) + attachments + clusters
    head = element(0x1A45DFA3, element(0x4282, b"matroska"))
    path.write_bytes(head + element(0x18538067, segment, unknown=unknown))
    return path


def lz4_frame(data: bytes) -> bytes:
    """`data` as an LZ4 frame of one block that holds literals and, where bytes repeat, matches."""
    block, at, literal = bytearray(), 0, 0

    def sequence(literals: bytes, back: int, length: int) -> None:
        more = length - 4
        block.append(min(len(literals), 15) << 4 | min(more, 15))
        block.extend(_more(len(literals)))
        block.extend(literals + back.to_bytes(2, "little") + _more(more))

    seen: dict[bytes, int] = {}
    while at < len(data) - 12:
        word = data[at : at + 4]
        before = seen.get(word)
        seen[word] = at
        if before is None or at - before > 65535:
            at += 1
            continue
        length = 4
        while at + length < len(data) - 12 and data[before + length] == data[at + length]:
            length += 1
        sequence(data[literal:at], at - before, length)
        at += length
        literal = at
    rest = data[literal:]
    block.append(min(len(rest), 15) << 4)
    block.extend(_more(len(rest)) + rest)
    return struct.pack("<IBBBI", 0x184D2204, 0x60, 0x40, 0, len(block)) + bytes(block) + bytes(4)


def _more(length: int) -> bytes:
    return b"" if length < 15 else b"\xff" * ((length - 15) // 255) + bytes([(length - 15) % 255])


def record(fields: dict[str, bytes], data: bytes) -> bytes:
    """A record of a ROS bag."""
    pairs = [key.encode() + b"=" + value for key, value in fields.items()]
    header = b"".join(struct.pack("<I", len(pair)) + pair for pair in pairs)
    return struct.pack("<I", len(header)) + header + struct.pack("<I", len(data)) + data


def text(value: str) -> bytes:
    return struct.pack("<I", len(value)) + value.encode()


def image_message(pixels: np.ndarray, encoding: str) -> bytes:
    height, width = pixels.shape[:2]
    data = pixels.tobytes()
    head = struct.pack("<III", 0, 0, 0) + text("0") + struct.pack("<II", height, width) + text(encoding)
    return head + struct.pack("<BII", 0, len(data) // height, len(data)) + data


def camera_message(size: tuple[int, int], K: np.ndarray) -> bytes:
    """K with pixel centres at integers."""
    head = struct.pack("<III", 0, 0, 0) + text("0") + struct.pack("<II", size[1], size[0])
    lens = text("Brown Conrady") + struct.pack("<I5d", 5, 0, 0, 0, 0, 0)
    return head + lens + struct.pack("<9d", *K.reshape(-1)) + struct.pack("<21d", *[0.0] * 21) + bytes(50)


def write_realsense(
    path: Path,
    depths: Sequence[np.ndarray],
    colors: Sequence[np.ndarray],
    depth_K: np.ndarray,
    color_K: np.ndarray,
    *,
    metres: float = 0.001,
    packing: str = "none",
    closed: bool = True,
) -> Path:
    """Depths (H, W) uint16 and colours (h, w, 3); K with pixel centres at integers."""
    depth, color = "/device_0/sensor_0/Depth_0", "/device_0/sensor_1/Color_0"
    still = 10**9  # nanoseconds
    shift = struct.pack("<7d", *COLOR_FROM_DEPTH[:3, 3], 0, 0, 0, 1)
    messages = [
        ("/device_0/info", still, text("Name") + text("Intel RealSense D435")),
        ("/device_0/sensor_0/option/Depth Units/value", still, struct.pack("<f", metres)),
        (f"{depth}/info/camera_info", still, camera_message(depths[0].shape[::-1], depth_K)),
        (f"{color}/info/camera_info", still, camera_message(colors[0].shape[1::-1], color_K)),
        (f"{depth}/tf/0", still, struct.pack("<7d", 0, 0, 0, 0, 0, 0, 1)),
        (f"{color}/tf/0", still, shift),
    ]
    for k, (raw, pixels) in enumerate(zip(depths, colors, strict=True)):
        stamp = 2 * 10**9 + k * 33_333_333
        messages.append((f"{depth}/image/data", stamp, image_message(raw.astype("<u2"), "mono16")))
        messages.append((f"{color}/image/data", stamp + 4_000_000, image_message(pixels, "rgb8")))
    topics = sorted({topic for topic, _, _ in messages})
    body = b""
    for k in range(0, len(messages), 3):  # three messages a chunk
        chunk, entries = b"", {}
        for topic, stamp, data in messages[k : k + 3]:
            when = struct.pack("<II", stamp // 10**9, stamp % 10**9)
            entries.setdefault(topics.index(topic), []).append(when + struct.pack("<I", len(chunk)))
            fields = {"op": b"\x02", "conn": struct.pack("<I", topics.index(topic)), "time": when}
            chunk += record(fields, data)
        packed = {"none": lambda b: b, "bz2": bz2.compress, "lz4": lz4_frame}[packing](chunk)
        fields = {"op": b"\x05", "compression": packing.encode(), "size": struct.pack("<I", len(chunk))}
        body += record(fields, packed)
        for conn, found in entries.items():
            fields = {"op": b"\x04", "ver": struct.pack("<I", 1), "conn": struct.pack("<I", conn)}
            body += record(fields | {"count": struct.pack("<I", len(found))}, b"".join(found))
    connections = b"".join(
        record({"op": b"\x07", "conn": struct.pack("<I", k), "topic": topic.encode()}, b"")
        for k, topic in enumerate(topics)
    )
    start = b"#ROSBAG V2.0\n"
    counts = {"conn_count": struct.pack("<I", len(topics)), "chunk_count": struct.pack("<I", 1)}
    position = len(start) + 4096 + len(body) if closed else 0
    head = record({"op": b"\x03", "index_pos": struct.pack("<Q", position), **counts}, b"")
    head = head[:-4] + struct.pack("<I", 4096 - len(head)) + b" " * (4096 - len(head))
    path.write_bytes(start + head + body + (connections if closed else b""))
    return path
