"""Compares what a reader saw with what is in the file."""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from bodyscan.gltf import GlbBody
from bodyscan.gltf.material import packed_roughness
from gltf.complete import checker_textures
from readers.files import PLAIN, TEXTURE_PX, TwinFile
from readers.report import ReaderReport, consent_verdict
from readers.silhouette import arm_lifted, filled, overlap

HEIGHT_M = 0.001
MOVED_M = 1e-4
"""How far the posed arm and the driven jaw may be off; readers round in float32, packed files to 0.1 mm."""
OVERLAP = 0.97
"""Outlines agree to a fraction of a pixel on each side; with the arm left hanging it is 0.9."""
TEXEL = 2.0
"""How far an image's mean may be off, of 255: JPEG and WebP."""
PARTS = ("joints", "morphs", "textures", "triangles", "height_m", "arm_m", "jaw_m", "silhouettes", "again")


class Fault(StrEnum):
    """One way in which a reader does not show what the file holds. The value stands in the table."""

    REFUSED = "refused"
    COMPLAINS = "warns"
    JOINTS_LOST = "joints lost"
    JOINTS_RENAMED = "joints renamed"
    SHAPES_LOST = "shapes lost"
    SHAPES_UNNAMED = "shapes without names"
    SHAPES_STILL = "shapes move wrongly"
    IMAGES = "images wrong"
    TRIANGLES = "triangles lost"
    HEIGHT = "wrong height"
    ARM = "arm posed wrongly"
    OUTLINE = "drawn wrongly"
    EXTRAS = "extras not handed on"
    MOVED = "moved by its export"
    CONSENT_LOST = "consent lost by its export"
    CONSENT_REFUSED = "consent refused after its export"


def unseen(report: ReaderReport) -> frozenset[str]:
    """Return the parts of a report (`PARTS`) that the reader does not show."""
    return frozenset(part for part in PARTS if getattr(report, part) in (None, {}))


def faults(report: ReaderReport, file: TwinFile, body: GlbBody) -> frozenset[Fault]:
    """Return all that the reader shows otherwise than it is; `body` is the file as bodyscan reads it.

    A part that a reader does not show at all is no fault (`unseen`).
    """
    found = {Fault.COMPLAINS} if report.problems else set()
    if not report.loaded:
        return frozenset({Fault.REFUSED})
    checks = (_joints, _shapes, _images, _surface, _posed, _consent)
    return frozenset(found.union(*(check(report, file, body) for check in checks)))


def _joints(report: ReaderReport, file: TwinFile, body: GlbBody) -> set[Fault]:
    if report.joints is None or sorted(report.joints) == sorted(file.joints):
        return set()
    return {Fault.JOINTS_RENAMED if len(report.joints) == len(file.joints) else Fault.JOINTS_LOST}


def _shapes(report: ReaderReport, file: TwinFile, body: GlbBody) -> set[Fault]:
    found = set()
    if report.morphs is not None and report.morphs != file.morphs:
        found.add(Fault.SHAPES_UNNAMED if len(report.morphs) == len(file.morphs) else Fault.SHAPES_LOST)
    shape = next(morph for morph in body.morphs if morph.name == file.shape)
    way = float(np.linalg.norm(shape.deltas, axis=1).max())
    if report.jaw_m is not None and abs(report.jaw_m - way) > MOVED_M:
        found.add(Fault.SHAPES_STILL)
    return found


def _images(report: ReaderReport, file: TwinFile, body: GlbBody) -> set[Fault]:
    if report.textures is None:
        return set()
    seen = {texture.use: texture for texture in report.textures}
    means = texture_means()
    right = seen.keys() == means.keys() and all(
        (one.width, one.height) == (TEXTURE_PX, TEXTURE_PX)
        and len(one.mean) == 3
        and np.allclose(one.mean, means[use], rtol=0, atol=TEXEL)
        for use, one in seen.items()
    )
    return set() if right else {Fault.IMAGES}


def texture_means() -> dict[str, np.ndarray]:
    """Return the mean of each image that the files hold, (3,), 0..255."""
    textures = checker_textures(TEXTURE_PX)
    assert textures.normal is not None
    assert textures.roughness is not None
    images = {
        "albedo": textures.albedo,
        "normal": textures.normal,
        "roughness": packed_roughness(textures.roughness),
    }
    return {use: image.reshape(-1, 3).mean(axis=0) for use, image in images.items()}


def _surface(report: ReaderReport, file: TwinFile, body: GlbBody) -> set[Fault]:
    found = set()
    if report.triangles not in (None, file.triangles):
        found.add(Fault.TRIANGLES)
    if report.height_m is not None and abs(report.height_m - file.height_m) > HEIGHT_M:
        found.add(Fault.HEIGHT)
    return found


def _posed(report: ReaderReport, file: TwinFile, body: GlbBody) -> set[Fault]:
    if report.arm_m is None and not report.silhouettes:
        return set()
    lifted = arm_lifted(body, file.arm)
    found = set()
    way = float(np.linalg.norm(lifted - body.positions, axis=1).max())
    if report.arm_m is not None and abs(report.arm_m - way) > MOVED_M:
        found.add(Fault.ARM)
    for name, positions in (("rest", body.positions), ("arm", lifted)):
        drawn = report.silhouettes.get(name)
        if drawn is not None and overlap(drawn, filled(positions, body.faces)) < OVERLAP:
            found.add(Fault.OUTLINE)
    return found


def _consent(report: ReaderReport, file: TwinFile, body: GlbBody) -> set[Fault]:
    found = {Fault.EXTRAS} if report.extras is False else set()
    if report.again is None:
        return found
    verdict = consent_verdict(report.again)
    if verdict == "lost":
        found.add(Fault.CONSENT_LOST)
    elif verdict.startswith("repacked"):
        # A packed file's surface was moved when it was packed; a plain one's by the reader.
        found |= {Fault.MOVED} if file.packing == PLAIN else set()
    elif verdict != "exact":
        found.add(Fault.CONSENT_REFUSED)
    return found
