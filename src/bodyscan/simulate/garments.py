"""Clothes: where a garment lies on the body, how far it stands off, and how it looks.

Edges are lines on the adult's mean body (metres, unposed), so that a garment sits alike on everybody.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bodyscan.simulate.smooth_noise import smooth_noise, smoothstep
from bodyscan.simulate.surface import Places
from bodyscan.types import F64

OUTFITS: dict[str, tuple[str, ...]] = {
    "none": (),
    "briefs": ("trunks",),
    "sports": ("trunks", "bra"),
    "leggings": ("leggings", "bra"),
    "tshirt": ("leggings", "shirt"),
    "loose": ("trousers", "loose_shirt"),
}
"""Outfit -> garments, inner ones first."""
DYES = (
    (38, 40, 46), (52, 62, 92), (120, 34, 40), (88, 104, 84), (168, 160, 150),
    (214, 210, 202), (70, 110, 140), (150, 96, 60), (110, 90, 130),
)  # fmt: skip
"""sRGB of cloth."""
LOOSE = ("trousers", "loose_shirt")
HEM_M = 0.018


@dataclass(frozen=True)
class Cloth:
    """How thick a cloth is and how far its wrinkles stand out, mm."""

    thickness_mm: float
    wrinkle_mm: float


CLOTHS = {
    "trunks": Cloth(1.2, 0.4),
    "bra": Cloth(1.8, 0.3),
    "leggings": Cloth(1.0, 0.35),
    "shirt": Cloth(1.3, 0.8),
    "trousers": Cloth(5.0, 3.0),
    "loose_shirt": Cloth(5.0, 3.2),
}


def inside_edge(garment: str, places: Places) -> F64:
    """(N,) metres inwards from the garment's edge, negative outside: exact only near the edge."""
    x, y, z = np.abs(places.points[:, 0]), places.points[:, 1], places.points[:, 2]
    limbs = np.maximum(places.arm, places.hand)
    off_arms = 0.02 * (0.35 - limbs)  # no edge in metres there: far from any of ours
    front = smoothstep(-0.02, 0.06, z)
    if garment == "trunks":
        leg_line = 0.735 + 0.35 * np.maximum(x - 0.05, 0) + 0.03 * front * (x > 0.05) * (x - 0.05) / 0.1
        return _all(0.985 + 0.012 * (1 - front) - y, y - leg_line, off_arms)
    if garment == "bra":
        body = _all(y - 1.168, 1.318 - 0.9 * np.maximum(0.05 - x, 0) * front - y, 0.168 - x)
        straps = _all(x - 0.064, 0.1 - x, y - 1.25)
        return _all(np.maximum(body, straps), 0.02 * (0.2 - limbs), 0.5 - places.head)
    if garment in ("leggings", "trousers"):
        return _all(1.025 - y, y - (0.125 if garment == "leggings" else 0.075), off_arms)
    # Shirts: a round neck, sleeves that end above the elbow, a hem on the hip.
    neckline = 1.445 - 0.9 * np.maximum(z - 0.015, 0)
    neck = np.maximum(np.hypot(x, z - 0.015) - 0.068, neckline - y)
    neck = np.where((x < 0.075) & (z > 0.0), np.minimum(neck, 1.425 - y), neck)
    sleeve = np.where(limbs > 0.02, _upper_arm_left(places), 1.0)
    hem = y - (0.90 if garment == "shirt" else 0.83)
    return _all(neck, sleeve, np.where(limbs > 0.02, 1.0, hem), 0.5 - places.hand, 0.5 - places.head)


def _upper_arm_left(places: Places) -> F64:
    """(N,) metres from a sleeve's end towards the shoulder."""
    mirrored = places.points * np.where(places.points[:, :1] < 0, [-1.0, 1.0, 1.0], 1.0)
    shoulder, elbow = places.joints["leftUpperArm"], places.joints["leftLowerArm"]
    bone = elbow - shoulder
    length = float(np.linalg.norm(bone))
    return 0.62 * length - (mirrored - shoulder) @ (bone / length)


def _all(*distances: F64) -> F64:
    return np.minimum.reduce(np.broadcast_arrays(*distances))


def cloth_height(rng: np.random.Generator, garment: str, places: Places, inside: F64) -> F64:
    """(N,) metres that cloth stands off the surface below: thickness, hem, wrinkles; 0 outside."""
    cloth = CLOTHS[garment]
    points = places.points
    wave = (0.025, 0.07) if garment not in LOOSE else (0.05, 0.12)
    stretch = (2.0, 0.7, 2.0) if garment in ("leggings", "shirt") else (1.0, 2.2, 1.0)
    folds = smooth_noise(rng, points, wave, stretch=stretch)
    fine = smooth_noise(rng, points, (0.01, 0.02))
    ridges = 1 - np.abs(np.tanh(folds))  # creases are narrow, the cloth between is wide
    busy = _where_it_creases(places)
    wrinkles = cloth.wrinkle_mm * busy * (1.6 * ridges + 0.12 * fine)
    hem = 0.7 * smoothstep(0, 0.003, inside) * (1 - smoothstep(HEM_M, HEM_M + 0.003, inside))
    height = (cloth.thickness_mm + wrinkles + hem) / 1000
    return np.maximum(height, 0.0005) * smoothstep(0.0, 0.004, inside)


def _where_it_creases(places: Places) -> F64:
    """(N,) 0.25..1: knees, crotch, waist and armpits crease, thighs and chest less."""
    points = places.points * np.where(places.points[:, :1] < 0, [-1.0, 1.0, 1.0], 1.0)
    total = np.full(len(points), 0.3)
    for joint, reach in (
        ("leftLowerLeg", 0.09), ("leftUpperLeg", 0.10), ("leftUpperArm", 0.10), ("spine", 0.13),
        ("leftFoot", 0.10),
    ):  # fmt: skip
        distance = np.linalg.norm(points - places.joints[joint], axis=1)
        total += 0.8 * np.exp(-0.5 * (distance / reach) ** 2)
    return np.minimum(total, 1.2)


def cloth_colors(rng: np.random.Generator, garment: str, places: Places, inside: F64) -> F64:
    """(N, 3) sRGB 0..255 of the garment."""
    first, second = (np.array(DYES[k], np.float64) for k in rng.choice(len(DYES), 2, replace=False))
    style = ("plain", "stripes", "panels", "melange")[int(rng.integers(4))]
    x, y = np.abs(places.points[:, 0]), places.points[:, 1]
    colors = np.tile(first, (len(x), 1))
    if style == "stripes" and garment not in ("bra", "trousers"):
        mask = smoothstep(-0.15, 0.15, np.sin(2 * np.pi * y / 0.045))
        colors += mask[:, None] * (second - first) * 0.8
    if style == "panels":
        side = smoothstep(0.125, 0.128, x) * (y > 0.9) + smoothstep(0.155, 0.158, x) * (y <= 0.9)
        colors += np.clip(side, 0, 1)[:, None] * (second - first)
    grain = smooth_noise(rng, places.points, (0.006, 0.015))
    slow = smooth_noise(rng, places.points, (0.05, 0.2))
    strength = 0.05 if style == "melange" else 0.018
    colors = colors * (1 + strength * grain + 0.03 * slow)[:, None]
    stitched = np.exp(-0.5 * ((inside - HEM_M) / 0.0015) ** 2)
    return colors * (1 - 0.25 * stitched[:, None])
