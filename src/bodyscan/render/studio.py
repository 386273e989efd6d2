"""The studio: three soft lights that follow the camera, the room's own light, and the backdrop."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bodyscan.geometry.srgb import linear_from_srgb
from bodyscan.geometry.view import View
from bodyscan.types import F32, F64

_KEY_COLOR = np.array([1.00, 0.975, 0.94], np.float32) * 0.86
_FILL_COLOR = np.array([0.94, 0.97, 1.00], np.float32) * 0.17
_RIM_COLOR = np.array([0.97, 0.98, 1.00], np.float32) * 0.34
_SKY_COLOR = np.array([0.97, 0.985, 1.00], np.float32) * 0.46
_SKIN_SHARPNESS = 18.0
_FLOOR_COLOR = np.array([1.00, 0.985, 0.965], np.float32) * 0.30


@dataclass(frozen=True, eq=False)
class Studio:
    """Directions (3,) towards the lights, unit, world."""

    key: F64
    fill: F64
    rim: F64
    up: F64

    @classmethod
    def around(cls, view: View) -> Studio:
        """Key from the upper left of the camera, fill from the right, rim from behind."""
        rotation = view.camera_from_world[:3, :3]
        right, up, back = rotation[0], -rotation[1], -rotation[2]

        def towards(x: float, y: float, z: float) -> F64:
            direction = x * right + y * up + z * back
            return direction / np.linalg.norm(direction)

        return cls(towards(-0.75, 0.95, 0.85), towards(0.9, 0.1, 0.55), towards(0.75, 0.55, -0.7), up)


def shade(
    studio: Studio,
    albedo: F32,
    normals: F32,
    to_eye: F32,
    light: F32,
    *,
    data: bool,
    exposure: float,
    roughness: F32 | None = None,
) -> F32:
    """Linear colour (N, 3) of surface points.

    `albedo` (N, 3) linear, `normals` and `to_eye` (N, 3) unit, `light` (N, 2) openness to room and key.
    `roughness` (N, 1) 0..1 sharpens the highlights where it is low; without it all is skin.
    With `data`, light changes only the brightness, and little, so that colours can be read off.
    """
    openness = light[:, :1]
    lean = 0.5 + 0.5 * (normals @ studio.up.astype(np.float32))[:, None]
    # Light bounces between bright walls: openings in pale skin are less dark than in black cloth.
    room = openness ** (1.25 - 0.6 * albedo)
    ambient = (_FLOOR_COLOR + (_SKY_COLOR - _FLOOR_COLOR) * lean) * room
    key = _wrapped(normals, studio.key, 0.12)
    if data:
        form = 0.70 + 0.20 * key * (0.4 + 0.6 * light[:, 1:]) + 0.16 * lean * openness
        return albedo * form * exposure
    direct = _KEY_COLOR * (key * light[:, 1:])
    direct = direct + _FILL_COLOR * _wrapped(normals, studio.fill, 0.3) * openness
    direct = direct + _RIM_COLOR * _wrapped(normals, studio.rim, 0.0) * openness
    sharpness = _SKIN_SHARPNESS if roughness is None else _sharpness(roughness)
    gloss = _gloss(normals, studio.key, to_eye, sharpness) * light[:, 1:] * 0.055
    gloss = gloss + _gloss(normals, studio.rim, to_eye, 10.0) * openness * 0.03
    return soft_shoulder((albedo * (direct + ambient) + gloss) * exposure)


def soft_shoulder(linear: F32, knee: float = 0.72) -> F32:
    """Roll highlights off above `knee`, so that no pale skin burns out to flat white."""
    room = 1 - knee
    return np.where(linear <= knee, linear, knee + room * (1 - np.exp(-np.maximum(linear - knee, 0) / room)))


def backdrop(view: View, middle: tuple[int, int, int]) -> F32:
    """Linear (H, W, 3): the colour `middle`, falling off softly towards the edges."""
    x = (np.arange(view.width) + 0.5) / view.width - 0.5
    y = (np.arange(view.height) + 0.5) / view.height - 0.46
    square = (x * x)[None] * 0.9 + (y * y)[:, None] * 1.1
    fall = 1 - 0.30 * np.clip(square, 0, 1)
    return (linear_from_srgb(np.array(middle, np.uint8)) * fall[..., None]).astype(np.float32)


def _wrapped(normals: F32, direction: F64, wrap: float) -> F32:
    """(N, 1) Lambert's cosine, let `wrap` round the edge as a large soft box does."""
    return np.maximum((normals @ direction.astype(np.float32) + wrap) / (1 + wrap), 0)[:, None]


def _sharpness(roughness: F32) -> F32:
    """Blinn's exponent of a roughness, 2 / r^4 - 2 (Karis, "Specular BRDF reference", 2013), bounded."""
    return np.clip(2 / np.maximum(roughness, 0.05) ** 4 - 2, 2, 600).astype(np.float32)


def _gloss(normals: F32, direction: F64, to_eye: F32, sharpness: float | F32) -> F32:
    """(N, 1) Blinn's lobe, kept at constant energy."""
    half = to_eye + direction.astype(np.float32)
    half /= np.maximum(np.linalg.norm(half, axis=1, keepdims=True), 1e-6)
    lobe = np.maximum(np.einsum("nk,nk->n", normals, half), 0)[:, None] ** sharpness
    facing = np.maximum(normals @ direction.astype(np.float32), 0)[:, None]
    return lobe * facing * ((sharpness + 8) / 8)
