"""Cameras of Agisoft Metashape's XML ("Export Cameras").

Each camera's `transform` takes the camera to the chunk, with OpenCV axes; the chunk's own transform
(rotation, translation, scale) takes that to the world. Metashape's cx and cy count from the picture's middle.
Its frame lens is that of Brown and Conrady with p1 and p2 changing places, and b1, b2 for skewed sensors
(Metashape user manual, appendix C, "Frame cameras").
"""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import Element, ParseError, XMLParser

import numpy as np

from bodyscan.capture.photos_shot import Lens, Shot, inside_folder, rigid_pose
from bodyscan.capture.undistort import Distortion
from bodyscan.errors import InputError
from bodyscan.types import F64

PICTURE_ENDINGS = (".jpg", ".JPG", ".jpeg", ".png", ".PNG", ".tif", ".TIF", ".tiff")


def read_metashape(path: Path, pictures: Path) -> list[Shot]:
    """Return the shots of the cameras that were aligned; photos are named by their labels.

    Raises `InputError` for a file that is no XML of this kind, a lens that is no frame camera, or a pose that
    is none.
    """
    root = _parsed(path)
    chunk = root.find("chunk")
    if chunk is None:
        raise InputError(f"{path.name} has no <chunk>; export the cameras from Metashape again.")
    lenses = {
        sensor.get("id"): _lens(sensor, f"{path.name}, sensor {sensor.get('id')}")
        for sensor in chunk.iter("sensor")
    }
    scale, world_from_chunk = _chunk_transform(chunk, path.name)
    shots = []
    for camera in chunk.iter("camera"):
        matrix = camera.findtext("transform")
        if matrix is None or camera.get("enabled") in ("false", "0"):
            continue
        where = f"{path.name}, camera {camera.get('label')}"
        numbers = _numbers(matrix, 16, where).reshape(4, 4)
        turned = rigid_pose(numbers[:3, :3], scale * numbers[:3, 3], where)
        world = world_from_chunk @ turned
        rotation = world[:3, :3].T
        pose = rigid_pose(rotation, -rotation @ world[:3, 3], where)
        lens = lenses.get(camera.get("sensor_id"))
        if lens is None:
            raise InputError(f"{where}: its sensor has no calibration; export the cameras again.")
        shots.append(Shot(path.name, _picture(pictures, camera.get("label") or "", where), lens, pose))
    return shots


def _parsed(path: Path) -> Element:
    data = path.read_bytes()
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:  # entities can grow a small file to gigabytes
        raise InputError(
            f"{path.name} declares a document type, which Metashape's files do not; export again."
        )
    parser = XMLParser()
    try:
        parser.feed(data)
        return parser.close()
    except ParseError as error:
        raise InputError(
            f"{path.name} is no XML file ({str(error)[:80]}); export the cameras again."
        ) from None


def _numbers(text: str | None, count: int, where: str) -> F64:
    try:
        values = np.array([float(word) for word in (text or "").split()])
    except ValueError:
        values = np.zeros(0)
    if len(values) != count or not np.isfinite(values).all():
        raise InputError(f"{where}: a transform needs {count} numbers; it is damaged. Export it again.")
    return values


def _chunk_transform(chunk: Element, name: str) -> tuple[float, F64]:
    """The chunk's scale, and its rotation and translation as (4, 4)."""
    transform = chunk.find("transform")
    rotation, translation, scale = np.eye(3), np.zeros(3), 1.0
    if transform is not None:
        where = f"{name}, the chunk"
        if (found := transform.findtext("rotation")) is not None:
            rotation = _numbers(found, 9, where).reshape(3, 3)
        if (found := transform.findtext("translation")) is not None:
            translation = _numbers(found, 3, where)
        if (found := transform.findtext("scale")) is not None:
            scale = float(_numbers(found, 1, where)[0])
    return scale, rigid_pose(rotation, translation, f"{name}, the chunk")


def _lens(sensor: Element, where: str) -> Lens | None:
    calibration = sensor.find("calibration")
    if calibration is None:
        return None
    kind = calibration.get("type") or sensor.get("type") or "frame"
    if kind != "frame":
        raise InputError(f"{where} is a {kind} camera; only frame cameras are known. Undistort its photos.")
    resolution = calibration.find("resolution")
    if resolution is None:
        resolution = sensor.find("resolution")
    if resolution is None:
        raise InputError(f"{where} has no resolution; export the cameras again.")
    width, height = int(resolution.get("width") or 0), int(resolution.get("height") or 0)
    value = {
        name: float(_numbers(calibration.findtext(name) or "0", 1, where)[0])
        for name in ("f", "cx", "cy", "b1", "b2", "k1", "k2", "k3", "k4", "p1", "p2")
    }
    if value["f"] <= 0:
        raise InputError(f"{where}: its focal length is {value['f']:g}; it must be above 0.")
    if value["b2"] or value["k4"]:
        raise InputError(f"{where}: b2 or k4 is not 0; undistort the photos in Metashape, or solve without.")
    distortion = Distortion(value["k1"], value["k2"], value["p2"], value["p1"], value["k3"])
    cx, cy = width / 2 + value["cx"], height / 2 + value["cy"]
    return Lens(value["f"] + value["b1"], value["f"], cx, cy, (width, height), distortion)


def _picture(folder: Path, label: str, where: str) -> Path:
    """A label is the photo's name, with or without its ending."""
    for place in (label, f"images/{label}"):
        path = inside_folder(folder, place, where)
        for candidate in (path, *(path.with_name(path.name + ending) for ending in PICTURE_ENDINGS)):
            if candidate.is_file():
                return candidate
    return inside_folder(folder, label, where)
