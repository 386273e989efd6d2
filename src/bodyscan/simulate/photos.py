"""A rig of photo cameras around a person who does not exist, with the truth beside the photos.

The pictures are cast on the CPU (Embree), several rays a pixel, without a graphics driver. The light is what
is baked into the person's colours; only `gloss` moves with the camera.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bodyscan.body.asset import load_body_model
from bodyscan.capture.undistort import Distortion, distorted_points
from bodyscan.errors import InputError
from bodyscan.geometry.normals import vertex_normals
from bodyscan.geometry.raycast import Raycaster
from bodyscan.geometry.view import View
from bodyscan.simulate.options import RawScanOptions
from bodyscan.simulate.photo_looks import Looks, srgb_from_linear_float
from bodyscan.simulate.photo_options import PhotoRigOptions
from bodyscan.simulate.raw import posed_person
from bodyscan.simulate.scene import Scene, build_scene
from bodyscan.types import F64, U8, Bool, Mesh

WALL_RGB = np.array([0.36, 0.40, 0.42])
"""Linear light of the wall; it darkens downwards, so that a smeared edge can be seen."""
FILL = 0.86
"""Share of the picture that the person's box fills."""
DISTANCE = 2.2
"""Cameras stand this many half-diagonals of the person away."""
RING_ELEVATIONS_DEG = (-22.0, 38.0)
"""Lowest and highest ring: from above the floor, from above the head."""
SHINE = 24.0
LAMP = np.array([0.25, 0.85, 0.46])


@dataclass(frozen=True, eq=False)
class SimulatedPhoto:
    """One picture as the camera saves it."""

    image: U8
    """(H, W, 3) uint8 sRGB, with the lens's distortion."""
    mask: Bool
    """(H, W) True where the middle of the pixel shows the person."""
    view: View
    """World frame; the lens's distortion comes on top."""
    lens: Distortion
    gain: F64
    """(3,) factor on linear red, green and blue: exposure and white balance."""
    name: str


@dataclass(frozen=True, eq=False)
class PhotoScene:
    """The person before the cameras."""

    scene: Scene
    looks: Looks
    """Of all that the cameras see, hair included: linear light, no gloss, exposure 1."""

    def color_at(self, points: F64) -> F64:
        """(N, 3) true linear light at the points of the surface closest to `points` (N, 3) metres, world."""
        return self.looks.at_points(points)


def photo_scene(options: RawScanOptions, detail: float = PhotoRigOptions.detail) -> PhotoScene:
    """Put the person of `options` before the cameras: the one whom `simulate_raw_scan` scans."""
    scene = dressed_person(options)
    return PhotoScene(scene, Looks(scene.mesh, options.seed, detail))


def dressed_person(options: RawScanOptions) -> Scene:
    """The person of `options` as `simulate_raw_scan` puts them before the scanner, without scanning."""
    model = load_body_model(options.age)
    names = ("body", "extra", "pose", "looks")  # the first streams of `simulate_raw_scan`, in its order
    seeds = np.random.SeedSequence(options.seed).spawn(len(names))
    streams = {name: np.random.default_rng(seed) for name, seed in zip(names, seeds, strict=True)}
    _, posed, skin, rest, _ = posed_person(streams, model, options)
    return build_scene(streams["looks"], model, posed, skin, rest, options)


def photo_views(person: Mesh, options: PhotoRigOptions) -> list[View]:
    """Cameras on rings around `person` (world frame), all of one size, aimed at the person's middle."""
    low, high = person.vertices.min(axis=0), person.vertices.max(axis=0)
    lowest, highest = np.radians(RING_ELEVATIONS_DEG)
    rings = min(options.rings, options.num_cameras)
    elevations = np.linspace(lowest, highest, rings) if rings > 1 else np.array([0.0])
    counts = np.full(rings, options.num_cameras // rings)
    counts[: options.num_cameras % rings] += 1
    views = []
    for ring, (elevation, count) in enumerate(zip(elevations, counts, strict=True)):
        for k in range(count):
            azimuth = 2 * np.pi * (k + 0.5 * (ring % 2)) / count
            views.append(
                View.around(
                    [low, high], azimuth, float(elevation), width=options.width, height=options.height,
                    fill=FILL, distance=DISTANCE,
                )
            )  # fmt: skip
    return views


def take_photos(scene: PhotoScene, options: PhotoRigOptions) -> Iterator[SimulatedPhoto]:
    """Photograph the person, one picture after the other. The same options give the same pictures."""
    gains = camera_gains(options)
    normals = vertex_normals(scene.looks.mesh.vertices, scene.looks.mesh.faces)
    lens = Distortion(k1=options.k1)
    for k, view in enumerate(photo_views(scene.scene.person, options)):
        rng = np.random.default_rng(np.random.SeedSequence([options.seed, 1, k]))
        linear, mask = _light(scene.looks, normals, view, lens, options)
        srgb = srgb_from_linear_float(linear * gains[k])
        if options.noise:
            srgb = srgb + rng.normal(scale=options.noise, size=srgb.shape)
        image = np.clip(np.rint(srgb), 0, 255).astype(np.uint8)
        yield SimulatedPhoto(image, mask, view, lens, gains[k], f"photo_{k:03d}.png")


def camera_gains(options: PhotoRigOptions) -> F64:
    """(N, 3) factors on linear light of each camera; their geometric mean is 1 in each channel."""
    rng = np.random.default_rng(np.random.SeedSequence([options.seed, 0]))
    exposure = rng.normal(size=(options.num_cameras, 1)) * options.exposure_sd
    logs = exposure + rng.normal(size=(options.num_cameras, 3)) * options.tint_sd
    return np.exp(logs - logs.mean(axis=0))


def _light(
    looks: Looks, normals: F64, view: View, lens: Distortion, options: PhotoRigOptions
) -> tuple[F64, Bool]:
    """(H, W, 3) mean linear light of each pixel's rays, (H, W) where most of them meet the person."""
    total = np.zeros((view.height * view.width, 3))
    met = np.zeros(view.height * view.width)
    steps = (np.arange(options.samples) + 0.5) / options.samples
    for down in steps:
        for across in steps:
            pixels = view.pixel_centres() + np.array([across - 0.5, down - 0.5])
            if not lens.is_pinhole:
                pixels = _straight(pixels, view.K, lens)
            ids, face_ids, shares = _hits(looks.caster, view, pixels)
            sample = _wall(view, pixels[:, 1])
            light = looks.at_hits(face_ids, shares)
            if options.gloss:
                light = light + options.gloss * _gloss(looks.caster, normals, view, face_ids, shares)
            sample[ids] = light
            total += sample
            met[ids] += 1
    count = options.samples**2
    shape = (view.height, view.width)
    return (total / count).reshape(*shape, 3), (met > count / 2).reshape(shape)


def _hits(caster: Raycaster, view: View, pixels: F64) -> tuple[np.ndarray, np.ndarray, F64]:
    """Pixels whose rays meet something, and where: ids (N,), faces (N,), shares (N, 3)."""
    corners = view.project(caster.mesh.vertices)
    near = ((pixels > corners.min(axis=0) - 2) & (pixels < corners.max(axis=0) + 2)).all(axis=1)
    ids = np.flatnonzero(near)
    hits = caster.cast(*view.rays(pixels[ids]))
    return ids[hits.hit], hits.face_ids[hits.hit], hits.barycentric[hits.hit]


def _straight(pixels: F64, K: F64, lens: Distortion) -> F64:
    """Where a pinhole would see what the lens puts at `pixels` (N, 2): fixed-point iteration."""
    focal, middle = np.array([K[0, 0], K[1, 1]]), K[:2, 2]
    bent = (pixels - middle) / focal
    plane = bent.copy()
    for _ in range(200):
        step = bent - distorted_points(plane, lens)
        plane += step
        if np.abs(step).max() < 1e-10:
            break
    else:
        raise InputError(f"PhotoRigOptions.k1 is {lens.k1}: the lens folds the picture; give a smaller one.")
    return plane * focal + middle


def _wall(view: View, rows: F64) -> F64:
    """(N, 3) linear light of the wall at rows (N,) of a pinhole's picture."""
    return (1.25 - 0.7 * np.clip(rows / view.height, -0.5, 1.5))[:, None] * WALL_RGB


def _gloss(caster: Raycaster, normals: F64, view: View, face_ids: np.ndarray, shares: F64) -> F64:
    """(N, 1) highlight of one lamp (Blinn 1977): it sits elsewhere for every camera."""
    points = caster.interpolate(caster.mesh.vertices, face_ids, shares)
    normal = caster.interpolate(normals, face_ids, shares)
    to_eye = view.eye - points
    to_eye /= np.linalg.norm(to_eye, axis=1, keepdims=True)
    half = to_eye + LAMP / np.linalg.norm(LAMP)
    half /= np.linalg.norm(half, axis=1, keepdims=True)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
    return np.maximum(np.einsum("ni,ni->n", normal, half), 0)[:, None] ** SHINE
