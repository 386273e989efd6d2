"""How much a depth camera's pixels scatter, by kind of sensor, distance and slant.

The values are standard deviations of one pixel over time or about a fitted plane, of the sensor as it is
delivered, on a matt surface; systematic errors (offsets, wiggles, lens) are not in them. Two laws: what
triangulates (Kinect v1, D435) grows with the square of the distance, for a step of disparity is a longer way
the farther it is; what times light (Kinect v2, Azure Kinect, LiDAR) loses light with the distance and grows
more slowly.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from bodyscan.errors import InputError
from bodyscan.types import F32

D435_FOCAL_PX, D435_BASELINE_M, D435_SUBPIXEL_PX = 425.0, 0.050, 0.08
"""848 x 480 over 90 degrees; the baseline of the data sheet; RMS of the disparity on a good target."""
MOST_SLANT = 1.5
"""Radians (86 degrees): where the growth with slant is cut, which has a pole at 90."""
EDGE_PX = {
    "unknown": 1, "ideal": 0, "kinect-v1": 1, "kinect-v2": 1, "azure-kinect": 1, "realsense-d435": 1,
    "iphone-lidar": 1,
}  # fmt: skip
"""Pixels along a jump of depth whose light comes from both sides of it."""


def depth_sigma_m(sensor: str, depth_m: ArrayLike) -> F32:
    """Standard deviation of one pixel's depth, metres, seen straight on; same shape as `depth_m` (metres).

    `sensor`: a name of `bodyscan.types.SENSORS`; `InputError` for another one. With z in metres:

    - `kinect-v1`: 1.2 mm + 1.9 mm (z - 0.4)^2: Nguyen, Izadi, Lovell 2012, "Modeling Kinect sensor noise for
      improved 3D reconstruction and tracking"; Khoshelham, Elberink 2012, "Accuracy and resolution of Kinect
      depth data", have 1.4 mm z^2 (at 2 m: 6.1 and 5.7 mm).
    - `kinect-v2`: 1.5 mm - 0.5 mm z + 0.3 mm z^2: Fankhauser et al. 2015, "Kinect v2 for mobile robot
      navigation: evaluation and modeling"; of the size that Wasenmueller and Stricker 2016 report.
    - `azure-kinect`: 0.8 mm + 0.2 mm z^2, fitted by eye to the repeatability in the near field of view of
      Toelgyessy et al. 2021, "Evaluation of the Azure Kinect and its comparison to Kinect v1 and v2" (about
      1 mm at 1 m, 1.6 mm at 2 m, 2.5 mm at 3 m), far below the 17 mm that the maker guarantees.
    - `realsense-d435`: z^2 x subpixel / (focal x baseline), Intel's RMS law for D400 cameras (Grunnet-Jepsen
      et al., "Best known methods for tuning Intel RealSense D400 depth cameras for best performance"), with
      0.08 px: 3.8 mm z^2. The data sheet guarantees 2 % at 2 m.
    - `iphone-lidar`: 3 mm + 1.2 mm z^2: about 1 cm within the 5 m of its reach is what evaluations find
      (Luetzenburg et al. 2021, "Evaluation of the Apple iPhone 12 Pro LiDAR for an application in
      geosciences"). ARKit's depth is smooth: what scatters is larger than a pixel.
    - `ideal`: 0.05 mm, so that weights stay finite (a 16 bit picture in millimetres rounds by 0.29 mm).
    - `unknown`: the largest of the others that can stand in a room with a person: as `realsense-d435`.
    """
    z = np.asarray(depth_m, np.float32)
    if sensor == "kinect-v1":
        sigma = 1.2e-3 + 1.9e-3 * (z - 0.4) ** 2
    elif sensor == "kinect-v2":
        sigma = 1.5e-3 - 0.5e-3 * z + 0.3e-3 * z * z
    elif sensor == "azure-kinect":
        sigma = 0.8e-3 + 0.2e-3 * z * z
    elif sensor in ("realsense-d435", "unknown"):
        sigma = 0.3e-3 + D435_SUBPIXEL_PX / (D435_FOCAL_PX * D435_BASELINE_M) * z * z
    elif sensor == "iphone-lidar":
        sigma = 3e-3 + 1.2e-3 * z * z
    elif sensor == "ideal":
        sigma = np.full_like(z, 5e-5)
    else:
        raise InputError(f"The depth sensor {sensor!r} is not known; possible: {', '.join(EDGE_PX)}.")
    return np.asarray(sigma, np.float32)


def slant_sigma_m(sigma_m: F32, depth_m: F32, cosine: F32) -> F32:
    """Standard deviation of pixels on slanted surfaces, metres.

    `sigma_m` as of `depth_sigma_m`, `depth_m` metres, `cosine` of the angle t between the normal and the ray;
    all of one shape. Adds Nguyen, Izadi, Lovell's (2012) 0.1 mm / sqrt(z) x t^2 / (pi/2 - t)^2, in proportion
    to `sigma_m` over their own at that distance: the papers on other sensors have the same shape (Fankhauser
    et al. 2015 for Kinect v2). At 2 m the factor is 1.04 at 60 degrees and 1.7 at 80.
    """
    slant = np.minimum(np.arccos(np.clip(cosine, 0.0, 1.0)), MOST_SLANT)
    growth = 1e-4 / np.sqrt(np.maximum(depth_m, 0.1)) * (slant / (np.pi / 2 - slant)) ** 2
    return (sigma_m * (1 + growth / depth_sigma_m("kinect-v1", depth_m))).astype(np.float32)
