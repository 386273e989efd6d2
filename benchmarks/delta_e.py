"""The difference of two colours as people see it: CIEDE2000.

CIE 142-2001 and G. Sharma, W. Wu, E. N. Dalal, "The CIEDE2000 color-difference formula", 2005; sRGB by
IEC 61966-2-1, white D65.
"""

from __future__ import annotations

import numpy as np

XYZ_FROM_RGB = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
WHITE = np.array([0.95047, 1.0, 1.08883])


def lab(srgb: np.ndarray) -> np.ndarray:
    """CIELAB (N, 3) of sRGB 0..255 (N, 3)."""
    value = np.asarray(srgb, float) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    t = linear @ XYZ_FROM_RGB.T / WHITE
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)


def delta_e_2000(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """(N,) CIEDE2000 of sRGB colours 0..255 (N, 3)."""
    first, second = lab(one), lab(two)
    mean_c = (np.hypot(first[:, 1], first[:, 2]) + np.hypot(second[:, 1], second[:, 2])) / 2
    g = 0.5 * (1 - np.sqrt(mean_c**7 / (mean_c**7 + 25.0**7)))
    a1, a2 = first[:, 1] * (1 + g), second[:, 1] * (1 + g)
    c1, c2 = np.hypot(a1, first[:, 2]), np.hypot(a2, second[:, 2])
    h1, h2 = (np.degrees(np.arctan2(b, a)) % 360 for a, b in ((a1, first[:, 2]), (a2, second[:, 2])))
    grey = c1 * c2 == 0
    turn = np.where(grey, 0, (h2 - h1 + 180) % 360 - 180)
    dl, dc = second[:, 0] - first[:, 0], c2 - c1
    dh = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2))
    light, chroma = (first[:, 0] + second[:, 0]) / 2, (c1 + c2) / 2
    hue = np.where(grey, h1 + h2, (h1 + turn / 2) % 360)
    t = (
        1
        - 0.17 * _cos(hue - 30)
        + 0.24 * _cos(2 * hue)
        + 0.32 * _cos(3 * hue + 6)
        - 0.20 * _cos(4 * hue - 63)
    )
    sl = 1 + 0.015 * (light - 50) ** 2 / np.sqrt(20 + (light - 50) ** 2)
    sc, sh = 1 + 0.045 * chroma, 1 + 0.015 * chroma * t
    rc = 2 * np.sqrt(chroma**7 / (chroma**7 + 25.0**7))
    rt = -rc * np.sin(np.radians(60 * np.exp(-(((hue - 275) / 25) ** 2))))
    l, c, h = dl / sl, dc / sc, dh / sh
    return np.sqrt(np.maximum(l * l + c * c + h * h + rt * c * h, 0))


def _cos(degrees: np.ndarray) -> np.ndarray:
    return np.cos(np.radians(degrees))
