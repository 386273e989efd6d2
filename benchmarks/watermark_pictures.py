"""Pictures for the benchmark of the watermark: made here, so that it runs from the repository alone.

People (simulated scans, drawn in the studio of `bodyscan.render`) before flat backdrops, and surfaces that
are hard in their own way: flat ones, noise with the spectrum of photographs (power 1/f^2: D. J. Field,
1987), discs that cover each other (dead leaves: A. B. Lee, D. Mumford, J. Huang, 2001), text, woven
stripes, gradients.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from bodyscan.render import RenderOptions, head_points, person_view, render_mesh
from bodyscan.simulate.options import RawScanOptions
from bodyscan.simulate.raw import simulate_raw_scan
from bodyscan.types import Mesh

BACKDROPS = {
    "studio": None,
    "white": (255, 255, 255),
    "grey": (128, 128, 128),
    "black": (0, 0, 0),
    "blue": (38, 84, 160),
}
"""Flat colours; `studio` is the render's own soft backdrop."""
PEOPLE = {"pale": (1, "leggings", "long"), "tan": (5, "tshirt", "short"), "dark": (10, "sports", "bob")}
"""Name -> (Monk skin tone, clothing, hair) of the simulated scan."""


def people_pictures() -> Iterator[tuple[str, np.ndarray]]:
    """Yield (name, (H, W, 3) uint8 sRGB): each person full length and as a portrait before each
    backdrop."""
    for person, look in PEOPLE.items():
        mesh = _person(*look)
        views = {
            "full": person_view(mesh.vertices, "three_quarter", width=560, height=800),
            "portrait": person_view(head_points(mesh.vertices), "portrait", width=768, height=768, fill=0.7),
        }
        for shot, view in views.items():
            studio, covered = _shot(mesh, view)
            for backdrop, colour in BACKDROPS.items():
                picture = studio if colour is None else np.where(covered, studio, np.uint8(colour))
                yield f"{person} {shot} {backdrop}", np.asarray(picture, np.uint8)


def made_pictures(size: int = 768, seed: int = 0) -> Iterator[tuple[str, np.ndarray]]:
    """Yield (name, (size, size, 3) uint8 sRGB) of pictures that show no person."""
    random = np.random.default_rng(seed)
    for value in (0, 12, 60, 128, 200, 243, 255):
        yield f"flat {value}", np.full((size, size, 3), value, np.uint8)
    ramp = np.linspace(20, 235, size)
    slope = (ramp[:, None] * 0.5 + ramp[None] * 0.5)[..., None]
    yield "gradient", np.repeat(slope, 3, axis=2).astype(np.uint8)
    for contrast in (15, 40):
        yield f"1/f {contrast}", natural_noise(size, contrast, random)
    for least in (2, 8):
        yield f"dead leaves {least}", dead_leaves(size, least, random)
    yield "text", _text(size)
    yield "woven", _woven(size)


def folder_pictures(folder: Path, longest: int = 1024) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the pictures in a folder of one's own, reduced to `longest` pixels."""
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp"):
            with Image.open(path) as image:
                picture = image.convert("RGB")
            picture.thumbnail((longest, longest), Image.Resampling.LANCZOS)
            yield path.name, np.asarray(picture)


def natural_noise(size: int, contrast: float, random: np.random.Generator) -> np.ndarray:
    """(size, size, 3) uint8: colour noise whose power falls with the square of the frequency."""
    fy, fx = np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None]
    falloff = 1 / np.maximum(np.hypot(fy, fx), 1 / size)

    def layer() -> np.ndarray:
        spectrum = np.fft.rfft2(random.standard_normal((size, size))) * falloff
        spectrum[0, 0] = 0
        plain = np.fft.irfft2(spectrum, (size, size))
        return plain / plain.std()

    light = layer()
    rgb = np.stack([128 + contrast * (light + 0.25 * layer()) for _ in range(3)], axis=-1)
    return np.clip(np.rint(rgb), 0, 255).astype(np.uint8)


def dead_leaves(size: int, least: float, random: np.random.Generator) -> np.ndarray:
    """(size, size, 3) uint8: discs over discs, their number falling with the cube of the radius in
    pixels."""
    image = Image.new("RGB", (size * 2, size * 2), (110, 110, 110))
    draw = ImageDraw.Draw(image)
    for _ in range(int(3 * (size / least) ** 1.2)):
        share = random.random()
        # The inverse of the distribution with density ~ r^-3 between `least` and a quarter of the size.
        radius = 2 * (1 / least**2 - share * (1 / least**2 - 16 / size**2)) ** -0.5
        x, y = random.uniform(0, 2 * size, 2)
        colour = tuple(int(v) for v in np.clip(random.normal(120, 45) + random.normal(0, 18, 3), 0, 255))
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
    soft = np.asarray(image.resize((size, size), Image.Resampling.BOX), float)
    return np.clip(np.rint(soft + random.normal(0, 1.5, soft.shape)), 0, 255).astype(np.uint8)


def _text(size: int) -> np.ndarray:
    image = Image.new("RGB", (size, size), (255, 255, 255))
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(size=17)
    line = "A twin shows a person as a body scan measured them, in poses that nobody recorded. "
    for row, y in enumerate(range(12, size - 20, 24)):
        draw.text((12, y), (line * 4)[row * 7 % 60 :][: size // 9], font=font, fill=(20, 20, 20))
    return np.asarray(image)


def _woven(size: int) -> np.ndarray:
    """Cloth: stripes with a period near that of the watermark's carriers."""
    y, x = np.mgrid[:size, :size].astype(float)
    plain = 120 + 40 * np.sign(np.sin(2 * np.pi * x / 11)) + 25 * np.sin(2 * np.pi * (x + 2 * y) / 7)
    return np.clip(np.stack([plain * 1.0, plain * 0.8, plain * 0.7], axis=-1), 0, 255).astype(np.uint8)


@cache
def _person(tone: int, clothing: str, hair: str) -> Mesh:
    look = {"skin_tone": tone, "clothing": clothing, "hair": hair, "floor": "none"}
    scan = simulate_raw_scan(RawScanOptions(seed=tone, target_faces=80_000, **look))
    points = np.asarray(scan.mesh.vertices) @ scan.truth.world_from_input[:3, :3].T
    points = points + scan.truth.world_from_input[:3, 3]
    return Mesh(points, scan.mesh.faces, colors=scan.mesh.colors)


def _shot(mesh: Mesh, view) -> tuple[np.ndarray, np.ndarray]:
    """The picture, and (H, W, 1) where the person is: what a change of the backdrop leaves alone."""
    options = RenderOptions(ground=False, occlusion_rays=8, shadow_rays=4, edge_samples=2)
    one = render_mesh(mesh, view, options)
    two = render_mesh(mesh, view, RenderOptions(**{**vars(options), "background": (20, 20, 20)}))
    difference = np.abs(one.astype(int) - two).max(axis=2, keepdims=True)
    return one, difference < 24
