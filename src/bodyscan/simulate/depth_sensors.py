"""Depth cameras as models: what each makes of an exact picture.

Every sensor is a list of numbers, each with its source beside it. What all models share, and where it is
from:

- **Scatter.** `noise_sigma_m` is the standard deviation of one pixel over time. Part of it is common to
  neighbours: a stereo camera compares patches, a LiDAR fills 256 by 192 pixels from 576 beams.
- **Edges.** Pixels that see two surfaces at once: time-of-flight cameras add up the two waves and answer
  somewhere between (Hansard et al. 2012, "Time-of-Flight Cameras"); triangulating ones move the edge to and
  fro by a pixel (Handa et al. 2014, "A benchmark for RGB-D visual odometry, 3D reconstruction and SLAM") and
  see nothing where only one of their two eyes sees (the shadow beside a person).
- **Light.** Time-of-flight cameras see by their own infrared light, which falls with the square of the
  distance, with the slant, and with what the surface gives back: dark hair scatters more, and is lost farther
  away. The phase's scatter grows as one over the root of the light where shot noise rules (Lange and Seitz
  2001, "Solid-state time-of-flight range camera").
- **Wiggle.** What is left of the waves' harmonics after the maker's calibration: an error that goes up and
  down with the distance, the same in all frames (Lindner et al. 2010, "Time-of-flight sensor calibration for
  accurate range sensing").
- **Steps.** Disparity is counted in steps, and files hold whole millimetres.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from bodyscan.errors import InputError
from bodyscan.simulate.depth_options import DepthRigOptions
from bodyscan.types import F64

WIGGLE_LENGTH_M = 0.31
"""Four waves over the 1.25 m that light of 120 MHz tells apart (Kinect v2's highest frequency)."""
MOST_SLANT = 1.5
"""Radians; the growth of the scatter with the slant has a pole at 90 degrees (1.571)."""


@dataclass(frozen=True)
class SensorModel:
    """One kind of depth camera."""

    kind: str
    """`ideal`, `stereo` (two eyes, or an eye and a projector), `tof` or `lidar`."""
    modes: tuple[tuple[int, int, float], ...]
    """(width, height, focal length) in pixels, the camera level; the first is the usual one."""
    upright: bool
    """Whether people hold it, or mount it, on its side."""
    reach_m: tuple[float, float]
    """Nearest and farthest depth that it answers."""
    patch_px: float = 0.0
    """Standard deviation in pixels of the blur that makes scatter common to neighbours; 0: each by itself."""
    common: float = 0.0
    """0..1, share of the scatter's variance that is common to neighbours."""
    blur_px: float = 0.0
    """Standard deviation in pixels of the sensor's own smoothing, which stops at jumps of depth."""
    baseline_m: float = 0.0
    disparity_step_px: float = 0.0
    step_m: float = 0.0
    """Step of the depth that it hands over."""
    wiggle_m: float = 0.0
    """Height of the wiggle."""
    mixed: float = 0.0
    """0..1, share of the pixels at edges that are answered with a depth between; the others are lost."""
    least_light: float = 0.0
    """Light back (share times cosine over squared metres) below which nothing is answered."""
    steepest_deg: float = 90.0
    """Angle between ray and normal beyond which nothing is answered."""


MODELS: dict[str, SensorModel] = {
    # The picture of an Azure Kinect, without its faults.
    "ideal": SensorModel("ideal", ((640, 576, 504.0), (320, 288, 252.0)), False, (0.05, 20.0)),
    # Structured light, 75 mm between projector and camera, disparity in eighths of a pixel, f about 580 px
    # (Khoshelham and Elberink 2012, "Accuracy and resolution of Kinect depth data"); 9 by 9 windows (Konolige
    # and Mihelich 2010, "Technical description of Kinect calibration"). Delivered on the colour's pixels, f
    # 525.
    "kinect-v1": SensorModel(
        "stereo", ((640, 480, 525.0), (320, 240, 262.5)), False, (0.5, 5.0), patch_px=1.5, common=0.5,
        blur_px=1.0, baseline_m=0.075, disparity_step_px=0.125, step_m=0.001, steepest_deg=80.0,
    ),
    # 512 by 424 over 70.6 by 60 degrees (Lachat et al. 2015, "Assessment and calibration of a RGB-D camera
    # (Kinect v2 sensor) towards a potential use for close-range 3D modeling": f 365 px, wiggle of a few mm).
    "kinect-v2": SensorModel(
        "tof", ((512, 424, 365.5),), False, (0.5, 4.5), step_m=0.001, wiggle_m=0.0015, mixed=0.5,
        least_light=0.010, steepest_deg=86.0,
    ),
    # NFOV unbinned 640 by 576, binned 320 by 288, 75 by 65 degrees, 0.5 to 3.86 m (Microsoft's hardware
    # specification: systematic error < 11 mm + 0.1 %); it takes out most mixed pixels itself.
    "azure-kinect": SensorModel(
        "tof", ((640, 576, 504.0), (320, 288, 252.0)), False, (0.4, 4.5), step_m=0.001, wiggle_m=0.001,
        mixed=0.2, least_light=0.008, steepest_deg=86.0,
    ),
    # 848 by 480 over 90 degrees, baseline 50 mm, disparity in 1/32 px (Intel's D400 data sheet;
    # Grunnet-Jepsen et al., "Tuning depth cameras for best performance" and "Subpixel linearity improvement":
    # RMS 0.08 px).
    "realsense-d435": SensorModel(
        "stereo", ((848, 480, 424.0), (640, 480, 383.0)), True, (0.17, 8.0), patch_px=3.0, common=0.8,
        blur_px=1.5, baseline_m=0.05, disparity_step_px=1 / 32, step_m=0.001, steepest_deg=82.0,
    ),
    # ARKit's sceneDepth: 256 by 192, made from 576 beams and the colour picture (f of 1920 by 1440 about 1590
    # px over 7.5), smooth, without holes, with a confidence of 0 to 2.
    "iphone-lidar": SensorModel(
        "lidar", ((256, 192, 212.0),), True, (0.2, 5.0), patch_px=4.0, common=0.9, blur_px=2.5, mixed=1.0,
        steepest_deg=90.0,
    ),
}  # fmt: skip


def model_of(sensor: str) -> SensorModel:
    """The model of a sensor's name; `InputError` lists the known names."""
    if sensor not in MODELS:
        raise InputError(f"The depth sensor {sensor!r} is not simulated; possible: {', '.join(MODELS)}.")
    return MODELS[sensor]


def noise_sigma_m(sensor: str, depth_m: ArrayLike, slant_rad: ArrayLike = 0.0) -> F64:
    """Standard deviation over time of one pixel's depth, metres, on a matt and bright surface, steps
    included.

    `depth_m` metres; `slant_rad` angle between ray and normal, radians; broadcast together. z in metres:

    - `kinect-v1` 1.2 mm + 1.9 mm (z - 0.4)^2 (Nguyen, Izadi and Lovell 2012, "Modeling Kinect sensor noise
      for improved 3D reconstruction and tracking"), and its growth with the slant t: 0.1 mm t^2 / (pi/2 -
      t)^2 / sqrt z.
    - `kinect-v2` 1.5 mm - 0.5 mm z + 0.3 mm z^2, and 0.1 mm z^1.5 t^2 / (pi/2 - t)^2 (Fankhauser et al. 2015,
      "Kinect v2 for mobile robot navigation: evaluation and modeling").
    - `azure-kinect` 0.8 mm + 0.2 mm z^2: of the size that Toelgyessy et al. 2021 ("Evaluation of the Azure
      Kinect and its comparison to Kinect v1 and Kinect v2") show, a curve of our own; the slant as Kinect v2.
    - `realsense-d435` 0.08 px of disparity: z^2 0.08 / (f b), Intel's law; the slant as Kinect v1, in
      proportion.
    - `iphone-lidar` 3 mm + 1.2 mm z^2, a curve of our own through the 1 cm at 2 to 3 m of Luetzenburg et al.
      2021 ("Evaluation of the Apple iPhone 12 Pro LiDAR for an application in geosciences"); the slant as
      Kinect v2.
    - `ideal` 0.
    """
    z, t = np.broadcast_arrays(np.asarray(depth_m, np.float64), np.asarray(slant_rad, np.float64))
    t = np.minimum(t, MOST_SLANT)
    growth = (t / (np.pi / 2 - t)) ** 2
    nguyen = 0.0012 + 0.0019 * (z - 0.4) ** 2
    model = model_of(sensor)
    if sensor == "kinect-v1":
        return nguyen + 0.0001 * growth / np.sqrt(z)
    if sensor == "kinect-v2":
        return 0.0015 - 0.0005 * z + 0.0003 * z**2 + 0.0001 * growth * z**1.5
    if sensor == "azure-kinect":
        return 0.0008 + 0.0002 * z**2 + 0.0001 * growth * z**1.5
    if sensor == "realsense-d435":
        straight = z**2 * 0.08 / (model.modes[0][2] * model.baseline_m)
        return straight * (1 + 0.0001 * growth / np.sqrt(z) / nguyen)
    if sensor == "iphone-lidar":
        return 0.003 + 0.0012 * z**2 + 0.0001 * growth * z**1.5
    return np.zeros_like(z)


def wiggle_m(sensor: str, way_m: ArrayLike) -> F64:
    """The systematic error in metres at ways of the light, one way, in metres: the same in every frame.

    What times light errs along the ray, by the way along the ray.
    """
    way = np.asarray(way_m, np.float64)
    return model_of(sensor).wiggle_m * np.sin(2 * np.pi * way / WIGGLE_LENGTH_M)


def sensor_camera(options: DepthRigOptions) -> tuple[int, int, F64]:
    """Width, height and intrinsics (3, 3) of the delivered pictures.

    Another size than the sensor's own keeps its field of view along the height; pixels stay square.
    """
    model, upright = model_of(options.sensor), is_upright(options)
    width, height, focal = model.modes[0]
    if options.width and options.height:
        wanted = (options.height, options.width) if upright else (options.width, options.height)
        width, height, focal = next((mode for mode in model.modes if mode[:2] == wanted), model.modes[0])
        # Across the sensor's own rows where it is level, along them where it stands on its side.
        across = wanted[0] / width if upright else wanted[1] / height
        width, height, focal = *wanted, focal * across
    if upright:
        width, height = height, width
    return width, height, np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]], np.float64)


def is_upright(options: DepthRigOptions) -> bool:
    """Whether the camera stands on its side."""
    return model_of(options.sensor).upright if options.portrait is None else options.portrait
