"""A folder of simulated depth pictures as recorders write them, and the truth beside it.

Two formats, both read by `bodyscan.capture.depth`. `open3d` is the folder of Open3D's reconstruction system
and of the Redwood data sets, for one camera: `color/`, `depth/` (16-bit PNG), `camera_intrinsic.json`,
`config.json` with `depth_scale`, and `trajectory.log` where the poses are told. It knows neither the sensor's
confidence, nor the time, nor which way is up. `cameras` is bodyscan's own `capture.json`, for any number of
cameras, with all of that."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bodyscan.errors import InputError
from bodyscan.files import OutputFile, new_folder, write_all, write_atomic
from bodyscan.simulate.depth import SimulatedDepth
from bodyscan.simulate.depth_options import DepthRigOptions
from bodyscan.simulate.depth_sensors import model_of
from bodyscan.simulate.write import SOFTWARE, check_truth_path, npz_bytes
from bodyscan.types import F64, DepthFrame

FORMATS = ("open3d", "cameras")
MILLIMETRES, FINE = 1000, 5000
"""Units a metre of the depth pictures: of sensors that count millimetres themselves, and of the others."""
MOST = 65534
"""Largest depth in units; 65535 is none for many readers."""
JPEG_QUALITY = 92
DEVICES = {"azure-kinect": "Azure Kinect", "realsense-d435": "Intel RealSense D435"}


def check_depth_folder(folder: Path) -> None:
    """Raise `InputError` where no capture can be written to `folder`."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} is there already and not empty; give a new folder for the capture.")
    if not folder.absolute().parent.is_dir():
        raise InputError(f"The folder {folder.parent} does not exist; make it first or give another path.")


def check_depth_format(file_format: str | None, rig: DepthRigOptions) -> str:
    """The format that a capture of `rig` is written in; None asks for the usual one. May raise
    `InputError`."""
    several = rig.rig == "four-poles"
    if file_format is None:
        return "cameras" if several or model_of(rig.sensor).kind == "lidar" else "open3d"
    if file_format not in FORMATS:
        raise InputError(f"The format is {file_format!r}; possible: {', '.join(FORMATS)}.")
    if several and file_format == "open3d":
        raise InputError("Several cameras cannot be written as open3d; give the format cameras.")
    return file_format


def write_depth(
    sim: SimulatedDepth, folder: Path, truth: Path | None = None, *, file_format: str | None = None
) -> list[OutputFile]:
    """Write the frames of `sim` to `folder`, and what is true about them to `truth` (.npz): all or nothing.

    `file_format` is `open3d` or `cameras`; None: `open3d` for one camera, `cameras` for several and for the
    LiDAR, whose confidence `open3d` cannot hold. Returns the files written. Raises `InputError` where
    `folder` is there and not empty, and for a truth of another ending."""
    check_depth_folder(folder)
    if truth is not None:
        check_truth_path(truth)
    file_format = check_depth_format(file_format, sim.rig)
    folder = folder.absolute()
    written: list[OutputFile] = []
    told = False
    try:
        with new_folder(folder) as place:  # frames go there one by one: a capture is large
            inside = _write_pictures(sim, place, file_format)
            files = _open3d_files(sim) if file_format == "open3d" else {"capture.json": _json(_manifest(sim))}
            write_all({place / name: data for name, data in files.items()})
            paths = [*inside, *map(Path, files)]
            written += [OutputFile(folder / path, (place / path).stat().st_size) for path in paths]
            if truth is not None:
                data = npz_bytes(truth_arrays(sim))
                write_atomic(truth, data)
                told = True
                written.append(OutputFile(truth, len(data)))
    except BaseException:
        if told and truth is not None:
            truth.unlink(missing_ok=True)
        raise
    return written


def depth_scale(sensor: str) -> int:
    """Units a metre of a sensor's depth pictures."""
    return MILLIMETRES if model_of(sensor).step_m else FINE


def _write_pictures(sim: SimulatedDepth, place: Path, file_format: str) -> list[Path]:
    """Write the pictures of every frame; return their paths inside the folder."""
    scale, inside = depth_scale(sim.rig.sensor), []
    names = ("depth", "color", "confidence")
    for name in names if model_of(sim.rig.sensor).kind == "lidar" else names[:2]:
        if name != "confidence" or file_format == "cameras":
            (place / name).mkdir()
    for k, frame in enumerate(sim.frames):
        units = np.rint(frame.depth_m.astype(np.float64) * scale)
        found = {_path("depth", k): _png(np.where(units > MOST, 0, units).astype(np.uint16))}
        if frame.color is not None:
            found[_path("color", k)] = _jpeg(frame.color)
        if frame.confidence is not None and file_format == "cameras":
            found[_path("confidence", k)] = _png(np.rint(frame.confidence * 255).astype(np.uint8))
        write_all({place / name: data for name, data in found.items()})
        inside += [Path(name) for name in found]
    return inside


def _path(kind: str, k: int) -> str:
    return f"{kind}/{k:06d}.{'jpg' if kind == 'color' else 'png'}"


def _open3d_files(sim: SimulatedDepth) -> dict[str, bytes]:
    first = sim.frames[0]
    height, width = first.depth_m.shape
    K = np.array(first.K)
    K[:2, 2] -= 0.5  # Open3D counts pixel centres at integers
    intrinsic: dict[str, Any] = {
        "width": width,
        "height": height,
        "intrinsic_matrix": K.T.reshape(-1).tolist(),
    }
    if sim.rig.sensor in DEVICES:
        intrinsic["device_name"] = DEVICES[sim.rig.sensor]
    files = {
        "camera_intrinsic.json": _json(intrinsic),
        "config.json": _json({"name": "simulated", "depth_scale": depth_scale(sim.rig.sensor)}),
    }
    if sim.rig.give_poses:
        lines = []
        for k, pose in enumerate(sim.truth.told):
            lines += [f"{k} {k} {k + 1}", *(" ".join(f"{value:.9f}" for value in row) for row in pose)]
        files["trajectory.log"] = ("\n".join(lines) + "\n").encode("ascii")
    return files


def _manifest(sim: SimulatedDepth) -> dict[str, Any]:
    """`capture.json` as `bodyscan.capture.depth_cameras` documents it."""
    rig, truth = sim.rig, sim.truth
    first: DepthFrame = sim.frames[0]
    height, width = first.depth_m.shape
    lens = {
        "width": width, "height": height, "fx": first.K[0, 0], "fy": first.K[1, 1], "cx": first.K[0, 2],
        "cy": first.K[1, 2], "pixel_centre": 0.5,
    }  # fmt: skip
    cameras: dict[str, dict[str, Any]] = {name: dict(lens) for name in dict.fromkeys(truth.cameras)}
    stands = rig.give_poses and rig.rig == "four-poles"
    frames = []
    for k, name in enumerate(truth.cameras):
        entry: dict[str, Any] = {"camera": name, "depth": _path("depth", k), "color": _path("color", k)}
        if first.confidence is not None:
            entry["confidence"] = _path("confidence", k)
        entry["time_s"] = round(float(truth.times_s[k]), 6)
        if stands:
            cameras[name]["world_from_camera"] = _rows(truth.told[k])
        elif rig.give_poses:
            entry["world_from_camera"] = _rows(truth.told[k])
        frames.append(entry)
    document = {
        "format": "bodyscan-depth-capture", "version": 1, "sensor": rig.sensor,
        "depth_scale": depth_scale(rig.sensor), "cameras": cameras, "frames": frames,
    }  # fmt: skip
    if rig.give_poses:
        document["up"] = [0, 1, 0]
    return document


def truth_arrays(sim: SimulatedDepth) -> dict[str, np.ndarray]:
    """The arrays of the truth file, as `docs/simulate.md` lists them."""
    truth, person = sim.truth, sim.truth.person
    info = {
        "software": SOFTWARE,
        "model": truth.model_name,
        "license": "CC0-1.0",
        "person": sim.person.as_dict(),
        "rig": sim.rig.as_dict(),
        "skin_tone": person.skin_tone,
    }
    return {
        "world_from_camera": truth.world_from_camera,
        "times_s": truth.times_s,
        "cameras": np.array(truth.cameras),
        "betas": truth.reference.betas,
        "pose_rotvec": truth.reference.pose_rotvec,
        "translation": truth.reference.translation,
        "frame_pose_rotvec": np.array(truth.motion.pose_rotvec),
        "frame_translation": np.array(truth.motion.translation),
        "breath_m": truth.motion.breath_m,
        "breath_field": person.breath.astype(np.float32),
        "rest": person.rest.astype(np.float32),
        "rest_outer": person.rest_outer.astype(np.float32),
        "vertices": truth.skin().astype(np.float32),
        "outer": truth.outer().astype(np.float32),
        "cover": person.cover,
        "joints": person.model.pose(truth.reference).joints,
        "joint_names": np.array(person.model.joint_names),
        "info": np.array(json.dumps(info, sort_keys=True)),
    }


def _rows(pose: F64) -> list[list[float]]:
    return [[round(float(value), 9) for value in row] for row in pose]


def _json(document: dict[str, Any]) -> bytes:
    return (json.dumps(document, indent=1) + "\n").encode("ascii")


def _png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=6)
    return buffer.getvalue()


def _jpeg(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=JPEG_QUALITY)
    return buffer.getvalue()
