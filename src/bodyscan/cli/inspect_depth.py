"""What `bodyscan inspect` tells of a depth capture; a few of its frames are loaded, the others are not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bodyscan.types import F64, DepthCapture, DepthFrame

if TYPE_CHECKING:
    from bodyscan.reconstruct.depth.camera_scene import SeenFrame

LOADED = 5
"""Frames that are looked at, evenly over the capture."""
PARTS = ("head", "feet", "a side")


def describe_depth(
    path: Path, capture: DepthCapture, people: bool = False
) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Return what is in a depth capture, as JSON values and as rows for a person.

    `people`: also who is seen in the frames that are looked at; takes some seconds. Raises `InputError` where
    one of these frames is damaged.
    """
    count = len(capture.frames)
    ids = np.unique(np.linspace(0, count - 1, min(LOADED, count)).round().astype(int)) if count else []
    frames = [capture.frames[int(k)] for k in ids]
    sizes = sorted({(frame.depth_m.shape[1], frame.depth_m.shape[0]) for frame in frames})
    depths = np.concatenate([frame.depth_m[frame.depth_m > 0] for frame in frames]) if frames else np.zeros(0)
    near, middle, far = np.percentile(depths, [1, 50, 99]).tolist() if len(depths) else (None, None, None)
    measured = [float((frame.depth_m > 0).mean()) for frame in frames]
    with_pose = sum(frame.world_from_camera is not None for frame in frames)
    poses = _of(with_pose, len(frames))
    values = {
        "kind": "depth capture",
        "file": str(path),
        "format": capture.file_format,
        "sha256": capture.sha256,
        "frames": count,
        "frames_loaded": len(frames),
        "sizes_px": [list(size) for size in sizes],
        "focal_px": sorted({round(float(frame.K[0, 0]), 2) for frame in frames}),
        "sensor": capture.sensor,
        "cameras": sorted({frame.camera for frame in frames}),
        "color": _of(sum(frame.color is not None for frame in frames), len(frames)),
        "confidence": _of(sum(frame.confidence is not None for frame in frames), len(frames)),
        "poses": poses,
        "up": None if capture.up is None else np.round(capture.up, 6).tolist(),
        "seconds": _seconds(frames),
        "depth_m": {"p1": _rounded(near), "median": _rounded(middle), "p99": _rounded(far)},
        "measured": round(float(np.mean(measured)), 4) if measured else None,
        "notes": list(capture.notes),
    }
    looked = f"of {len(frames)} frames that were looked at"
    rows = [
        ("capture", f"{path.name}, {capture.file_format}"),
        ("frames", f"{count:,}"),
        ("size", " and ".join(f"{width} x {height} pixels" for width, height in sizes)),
        ("sensor", capture.sensor + _hint(capture)),
        ("colour", f"{values['color']} {looked}"),
        (
            "poses",
            {"all": "given", "none": "not given: they will be tracked"}.get(poses, f"{poses} {looked}"),
        ),
    ]
    if len(values["cameras"]) > 1:
        rows.append(("cameras", ", ".join(values["cameras"])))
    if near is not None:
        rows.append(("depth", f"{near:.2f} to {far:.2f} m, half of it within {middle:.2f} m"))
        rows.append(("measured", f"{100 * values['measured']:.0f} % of the pixels"))
    if values["seconds"]:
        rows.append(("time", f"{values['seconds']:.1f} s"))
    if people:
        values["people"], told = _people(frames, capture.up)
        rows += told
    rows.append(("SHA-256", capture.sha256))
    return values, rows + [("note", note) for note in capture.notes]


def _people(
    frames: Sequence[DepthFrame], up: F64 | None
) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
    """Everybody in `frames`, as the reconstruction would tell them apart."""
    from bodyscan.reconstruct.depth.camera_scene import look_at_frames
    from bodyscan.reconstruct.mediapipe_detector import PersonDetector

    with PersonDetector() as detector:
        seen, _ = look_at_frames(frames, detector, up)
    values = [_who(frame, here) for frame, here in zip(frames, seen, strict=True)]
    counts = Counter(len(value["people"]) for value in values)
    told = ", ".join(f"{number} in {times} of {len(frames)} frames" for number, times in counts.most_common())
    rows = [("people", told)]
    for value in values:
        rows += [(value["frame"], _person_words(person)) for person in value["people"]]
    if any(frame.color is None for frame in frames):
        rows.append(("note", "Without colour people are told from things by shape alone."))
    floors = sum(value["camera_height_m"] is not None for value in values)
    return values, [*rows, ("floor", f"seen in {floors} of {len(frames)} frames")]


def _who(frame: DepthFrame, seen: SeenFrame) -> dict[str, Any]:
    ground = seen.ground
    people = []
    for person in seen.people:
        depth = float(np.median(frame.depth_m[person.mask]))
        columns = np.flatnonzero(person.mask.any(axis=0))
        people.append(
            {
                "pixels": person.pixels,
                "distance_m": _rounded(depth),
                "height_m": None if ground is None else _rounded(person.height_m(frame, ground)),
                "columns": [int(columns[0]), int(columns[-1])],
                "cut_off": [part for part, cut in zip(PARTS, person.cut, strict=True) if cut],
            }
        )
    return {
        "frame": seen.name,
        "camera_height_m": None if ground is None else _rounded(-ground.offset),
        "people": people,
    }


def _person_words(person: dict[str, Any]) -> str:
    words = f"{person['distance_m']:.2f} m away, {person['pixels']:,} pixels"
    if person["height_m"] is not None:
        words += f", {person['height_m']:.2f} m above the floor"
    return words + (f"; cut off: {', '.join(person['cut_off'])}" if person["cut_off"] else "")


def _of(number: int, count: int) -> str:
    return "all" if number == count and count else "none" if not number else f"{number} of {count}"


def _seconds(frames: list[DepthFrame]) -> float | None:
    """From the first frame to the last, where they tell."""
    times = [frame.time_s for frame in frames if frame.time_s is not None]
    return round(max(times) - min(times), 3) if len(times) > 1 else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 4)


def _hint(capture: DepthCapture) -> str:
    if capture.sensor != "unknown":
        return ""
    return ": treated as a poor one; say which with --sensor"
