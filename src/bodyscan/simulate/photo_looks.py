"""The true colour of every point of a simulated person, for pictures and for textures alike.

Colours of the dressed person are known at vertices 2 mm apart. A pattern that is known at every point of
space is laid over them, so that a texture can be asked for detail that no vertex holds.
"""

from __future__ import annotations

import numpy as np

from bodyscan.geometry.barycentric import barycentric_shares
from bodyscan.geometry.raycast import Raycaster
from bodyscan.geometry.srgb import encode_srgb, linear_from_srgb
from bodyscan.simulate.smooth_noise import smooth_noise, smoothstep
from bodyscan.types import F64, Mesh

FRECKLE_M = (0.003, 0.008)
PORE_M = (0.0015, 0.003)
BLOCK = 200_000
"""Points that are looked at together: what bounds the memory."""


def pattern(seed: int, points: F64, strength: float) -> F64:
    """(N, 3) metres, world frame -> (N, 3) factors on linear light: freckles and pores, the same always."""
    points = np.asarray(points, np.float64)
    out = np.ones((len(points), 3))
    if not strength:
        return out
    for start in range(0, len(points), BLOCK):
        part = slice(start, start + BLOCK)
        rng = np.random.default_rng(np.random.SeedSequence([seed, 77]))
        freckles = smoothstep(1.0, 1.8, smooth_noise(rng, points[part], FRECKLE_M))
        pores = smooth_noise(rng, points[part], PORE_M, waves=12)
        shade = 1 - strength * 0.55 * freckles[:, None] * np.array([0.75, 1.0, 1.1])
        out[part] = np.clip(shade * (1 + 0.06 * strength * pores[:, None]), 0.05, 1.5)
    return out


class Looks:
    """Asks a coloured mesh and the pattern over it for linear light."""

    def __init__(self, mesh: Mesh, seed: int, detail: float) -> None:
        """`mesh` (V vertices, world frame) with colours; `detail` 0..1 as in `PhotoRigOptions`."""
        self.mesh, self.seed, self.detail = mesh, seed, detail
        self.caster = Raycaster(mesh)
        colors = np.zeros((len(mesh.vertices), 3), np.uint8) if mesh.colors is None else mesh.colors
        self._linear = linear_from_srgb(colors).astype(np.float64)

    def at_hits(self, face_ids: np.ndarray, barycentric: F64) -> F64:
        """(N, 3) linear light 0..1 at hits on the mesh."""
        points = self.caster.interpolate(self.mesh.vertices, face_ids, barycentric)
        return self.caster.interpolate(self._linear, face_ids, barycentric) * pattern(
            self.seed, points, self.detail
        )

    def at_points(self, points: F64) -> F64:
        """(N, 3) linear light 0..1 at the surface's points that are closest to `points` (N, 3)."""
        _, face_ids, nearest = self.caster.closest(points)
        shares = barycentric_shares(nearest, self.mesh.vertices[self.mesh.faces[face_ids]])
        plain = self.caster.interpolate(self._linear, face_ids, shares)
        return plain * pattern(self.seed, nearest, self.detail)


def srgb_from_linear_float(linear: F64) -> F64:
    """sRGB values 0..255, not rounded, of linear light that is cut to 0..1."""
    return 255 * encode_srgb(np.clip(np.asarray(linear, np.float64), 0, 1)).astype(np.float64)
