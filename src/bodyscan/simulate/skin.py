"""Colours of skin, eyes and brows, for every tone.

Base tones: the ten values of the Monk Skin Tone scale (Ellis Monk, 2022; https://skintone.google, CC BY 4.0).
They are made for screens and pale; a little blood is mixed in, the less the darker the skin.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree

from bodyscan.simulate.smooth_noise import smooth_noise, smoothstep
from bodyscan.simulate.surface import Places
from bodyscan.types import F64

MONK_TONES = (
    "f6ede4", "f3e7db", "f7ead0", "eadaba", "d7bd96", "a07e56", "825c43", "604134", "3a312a", "292420",
)  # fmt: skip
BLOOD = np.array([0.03, 0.17, 0.20])
"""Share of red, green and blue that blood takes away."""
IRIS = ((92, 60, 34), (70, 46, 28), (96, 110, 84), (96, 122, 148))
DARK_EYED = 0.2
"""Skin that is darker than this comes with brown eyes."""
FINGER_TIPS = ("IndexDistal", "MiddleDistal", "RingDistal", "LittleDistal")


def tone_rgb(tone: int) -> F64:
    """(3,) sRGB 0..255 of a tone, 1 (lightest) to 10 (darkest)."""
    return np.array([int(MONK_TONES[tone - 1][k : k + 2], 16) for k in (0, 2, 4)], np.float64)


def lightness(tone: int) -> float:
    """0 (tone 10) to 1 (tone 1)."""
    values = [tone_rgb(k).mean() for k in (10, tone, 1)]
    return float((values[1] - values[0]) / (values[2] - values[0]))


def skin_colors(rng: np.random.Generator, places: Places, tone: int, hair_rgb: F64) -> F64:
    """(N, 3) sRGB 0..255."""
    light = lightness(tone)
    points = places.points * np.where(places.points[:, :1] < 0, [-1.0, 1.0, 1.0], 1.0)
    base = tone_rgb(tone) * (1 - 0.06 * light)
    mottled = smooth_noise(rng, places.points, (0.015, 0.05))
    slow = smooth_noise(rng, places.points, (0.15, 0.5))
    blood = 0.55 + 0.10 * mottled + 0.12 * slow + _flush(places, points)
    colors = base * (1 - (0.35 + 0.65 * light) * np.clip(blood, 0, 3)[:, None] * BLOOD)
    colors *= (1 + 0.012 * mottled + 0.02 * slow)[:, None]
    pale = 0.85 * _palms_and_soles(places)[:, None]
    palm = np.array([236.0, 196, 176]) * (0.62 + 0.36 * light)
    colors += pale * (palm - colors) * (0.25 + 0.65 * (1 - light))
    colors = _areolas(places, points, colors, light)
    colors = _nails(places, points, colors, light)
    colors = _lips(places, colors, light)
    colors = _brows(rng, places, points, colors, hair_rgb)
    return _eyes(rng, places, points, colors, light)


def _near(points: F64, centre: F64, reach: float) -> F64:
    return np.exp(-0.5 * (np.linalg.norm(points - centre, axis=1) / reach) ** 2)


def _flush(places: Places, points: F64) -> F64:
    """Where blood shows: knuckles, elbows, knees, cheeks, nose, ears, toes."""
    eye = places.joints["leftEye"]
    total = 0.9 * _near(points, eye + np.array([0.012, -0.038, 0.0]), 0.016)
    total += 0.9 * _near(points, np.array([0, eye[1] - 0.038, eye[2] + 0.04]), 0.012)
    total += 0.8 * _near(points, np.array([0.08, eye[1] - 0.02, eye[2] - 0.08]), 0.02)
    for joint, reach in (("leftLowerArm", 0.035), ("leftLowerLeg", 0.05), ("leftToes", 0.03)):
        total += 0.6 * _near(points, places.joints[joint], reach)
    for finger in ("Index", "Middle", "Ring", "Little"):
        for segment in ("Proximal", "Intermediate", "Distal"):
            total += 0.6 * _near(points, places.joints[f"left{finger}{segment}"], 0.009)
    return total


def _palms_and_soles(places: Places) -> F64:
    """(N,) 0..1."""
    joints = places.joints
    row = joints["leftLittleProximal"] - joints["leftIndexProximal"]
    normal = np.cross(joints["leftMiddleProximal"] - joints["leftHand"], row)
    bend = joints["leftMiddleDistal"] - joints["leftMiddleProximal"]
    normal *= np.sign(normal @ bend) / np.linalg.norm(normal)
    mirrored = places.normals * np.where(places.points[:, :1] < 0, [-1.0, 1.0, 1.0], 1.0)
    palm = smoothstep(0.0, 0.5, mirrored @ normal) * smoothstep(0.4, 0.9, places.hand)
    sole = smoothstep(0.3, 0.8, -places.normals[:, 1]) * places.foot * (places.points[:, 1] < 0.04)
    return np.maximum(palm, sole)


def _mix(colors: F64, share: F64, other: F64) -> F64:
    return colors + np.clip(share, 0, 1)[:, None] * (other - colors)


def _areolas(places: Places, points: F64, colors: F64, light: float) -> F64:
    chest = (points[:, 1] > 1.18) & (points[:, 1] < 1.25) & (points[:, 2] > 0.1) & (places.arm < 0.1)
    if not chest.any():
        return colors
    centre = points[chest][points[chest][:, 2].argmax()]
    share = 0.75 * (1 - smoothstep(0.011, 0.015, np.linalg.norm(points - centre, axis=1)))
    return _mix(colors, share, colors * np.array([0.84, 0.68, 0.66]) ** (0.5 + 0.5 * light))


def _nails(places: Places, points: F64, colors: F64, light: float) -> F64:
    share = np.zeros(len(points))
    for finger in FINGER_TIPS:
        joint = places.joints[f"left{finger}"]
        line = joint - places.joints[f"left{finger.replace('Distal', 'Intermediate')}"]
        tip = joint + 1.0 * line / np.linalg.norm(line) * 0.017
        back = np.cross(line, places.joints["leftLittleProximal"] - places.joints["leftIndexProximal"])
        back *= -np.sign(back @ (places.joints["leftMiddleDistal"] - places.joints["leftMiddleProximal"]))
        back /= np.linalg.norm(back)
        share = np.maximum(
            share, 1 - smoothstep(0.004, 0.0055, np.linalg.norm(points - tip - 0.004 * back, axis=1))
        )
    nail = np.array([238.0, 200, 188]) * (0.7 + 0.28 * light)
    return _mix(colors, 0.6 * share * (places.hand > 0.9), nail)


def _lips(places: Places, colors: F64, light: float) -> F64:
    if not len(places.seam):
        return colors
    distance, _ = KDTree(places.seam).query(places.points)
    wide = 1 - smoothstep(0.020, 0.026, np.abs(places.points[:, 0]))
    share = 0.8 * (1 - smoothstep(0.0055, 0.009, distance)) * (0.35 + 0.65 * wide) * places.head
    return _mix(colors, share, colors * np.array([0.86, 0.64, 0.64]) ** (0.6 + 0.6 * light))


def _brows(rng: np.random.Generator, places: Places, points: F64, colors: F64, hair_rgb: F64) -> F64:
    eye = places.joints["leftEye"]
    x, y = points[:, 0], points[:, 1] - eye[1]
    along = np.clip((x - 0.010) / 0.042, 0, 1)
    line = 0.0195 + 0.007 * np.sin(np.pi * np.minimum(along * 0.75, 1)) - 0.003 * along
    width = 0.0042 - 0.0022 * along
    share = (
        (1 - smoothstep(0.7, 1.3, np.abs(y - line) / width))
        * smoothstep(0.008, 0.011, x)
        * (1 - smoothstep(0.043, 0.048, x))
    )
    share = share * (points[:, 2] > eye[2] - 0.03) * places.head
    grain = 0.75 + 0.15 * smooth_noise(rng, places.points, (0.002, 0.005))
    return _mix(colors, share * grain, hair_rgb * 0.9)


def _eyes(rng: np.random.Generator, places: Places, points: F64, colors: F64, light: float) -> F64:
    eye = places.joints["leftEye"]
    away = np.hypot(points[:, 0] - eye[0], points[:, 1] - eye[1])
    drawn = int(rng.integers(len(IRIS)))
    iris = np.array(IRIS[drawn if light > DARK_EYED else drawn % 2], np.float64)
    ball = np.tile(np.array([206.0, 198, 190]), (len(points), 1))
    ball = _mix(ball, 1 - smoothstep(0.0060, 0.0070, away), iris)
    ball = _mix(ball, 1 - smoothstep(0.0022, 0.0030, away), np.array([16.0, 14, 14]))
    return _mix(colors, smoothstep(0.5, 0.95, places.eye), ball)
