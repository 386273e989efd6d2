"""What the readers of depth captures share: frames loaded when asked for, depth and colour pictures, poses.

Everything here has the project's conventions: OpenCV camera axes, the centre of pixel (row, column) at
(column + 0.5, row + 0.5), metres along +Z, 0 where nothing was measured. Most formats count pixel centres at
integers: their readers call `from_integer_centres` on the intrinsics that they find.
"""

from __future__ import annotations

import hashlib
import json
import re
import warnings
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image

from bodyscan.errors import InputError
from bodyscan.types import F32, F64, U8, DepthFrame

NOTHING = 65535
"""Value of a 16-bit depth picture that means no depth, as 0 does (7-Scenes and others)."""
NEAREST_M, FARTHEST_M = 0.2, 12.0
"""Between these the median depth of a picture of a person must lie."""
SCALES = {1.0: "metres", 1000.0: "millimetres", 5000.0: "fifths of a millimetre", 10000.0: "0.1 mm"}
"""Units a metre that depth pictures are written in."""
SAMPLED = 7
"""Frames whose depths are looked at before a capture is accepted."""
UNSQUARE = 1e-2
"""Largest error of a pose's rotation that comes from rounding; what is worse is no rotation."""
MOST_TEXT_BYTES = 64_000_000


class LazyFrames(Sequence[DepthFrame]):
    """Frames that are loaded each time they are asked for; none is kept. A slice is lazy too."""

    def __init__(self, loaders: Sequence[Callable[[], DepthFrame]]) -> None:
        self._loaders = tuple(loaders)

    def __len__(self) -> int:
        return len(self._loaders)

    @overload
    def __getitem__(self, index: int) -> DepthFrame: ...

    @overload
    def __getitem__(self, index: slice) -> LazyFrames: ...

    def __getitem__(self, index: int | slice) -> DepthFrame | LazyFrames:
        if isinstance(index, slice):
            return LazyFrames(self._loaders[index])
        return self._loaders[index]()


def numbered_files(folder: Path, *endings: str) -> list[Path]:
    """Files of `folder` with one of the endings (`.png`), by the numbers in their names: 2 before 10."""

    def rank(path: Path) -> tuple[list[tuple[int, str]], str]:
        parts = re.findall(r"[0-9]+|[^0-9]+", path.name)
        return [(int(part), "") if part[0] in "0123456789" else (-1, part) for part in parts], path.name

    found = (p for p in folder.iterdir() if p.is_file() and p.name.lower().endswith(endings))
    return sorted((p for p in found if not p.name.startswith(".")), key=rank)


def read_depth_png(path: Path, scale: float, name: str = "") -> F32:
    """The depth picture (H, W) float32 metres in a 16-bit grey PNG file; 0 and 65535 are 0 (none).

    `scale` is the number of units a metre: 1000 for millimetres, 5000 for TUM. `name` stands for the file in
    messages. Raises `InputError` for a file that is missing, damaged, too large, or has not 16 bits of grey.
    """
    name = name or path.name
    with _opened(path, name, "depth") as picture:
        if picture.format != "PNG" or not picture.mode.startswith("I"):
            kind = f"{picture.format} with pixels of the kind {picture.mode}"
            raise InputError(f"{name} is {kind}; a depth picture must be a PNG of 16-bit grey: export it so.")
        values = np.asarray(picture, np.uint16)
    depth = (values / np.float32(scale)).astype(np.float32)
    depth[values == NOTHING] = 0
    depth.flags.writeable = False  # so that the value takes it without a copy
    return depth


def read_color(path: Path, name: str = "") -> U8:
    """The colour picture (H, W, 3) uint8 sRGB in a JPEG or PNG file, as stored: the EXIF turn is not applied.

    Raises `InputError` for a file that is missing, damaged, too large or of another format.
    """
    name = name or path.name
    with _opened(path, name, "colour") as picture:
        if picture.format not in ("JPEG", "PNG", "MPO"):
            raise InputError(f"{name} is {picture.format}; colour pictures must be JPEG or PNG.")
        if picture.mode.startswith("I"):  # 16 bits a channel would be cut at 255, not scaled
            grey = (np.asarray(picture, np.float64) / 257).round().astype(np.uint8)
            return np.repeat(grey[..., None], 3, axis=2)
        return np.array(picture.convert("RGB"), np.uint8)


def picture_size(path: Path, name: str = "") -> tuple[int, int]:
    """Width and height that the header of a picture file tells; `InputError` where there is none."""
    with _opened(path, name or path.name, "") as picture:
        return picture.size


def check_sizes(paths: Iterable[Path], camera: str = "") -> tuple[int, int]:
    """The one width and height of all pictures of one camera, or `InputError` that names the odd one."""
    first: tuple[str, tuple[int, int]] | None = None
    for path in paths:
        size = picture_size(path)
        if first is None:
            first = path.name, size
        elif size != first[1]:
            of = f" of the camera {camera}" if camera else ""
            raise InputError(
                f"{path.name} is {size[0]} by {size[1]} pixels, {first[0]} {first[1][0]} by {first[1][1]}; "
                f"all pictures{of} must have one size: put those of another size in a folder of their own."
            )
    if first is None:
        raise InputError("There are no pictures here; record the capture again.")
    return first[1]


@contextmanager
def _opened(path: Path, name: str, kind: str) -> Iterator[Image.Image]:
    kind = f"{kind} picture".strip()
    if not path.is_file():
        raise InputError(f"The {kind} {name} is not at {path}; copy it there.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as picture:
                yield picture
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        limit = (Image.MAX_IMAGE_PIXELS or 0) / 1e6
        raise InputError(
            f"{name} claims more than {limit:.0f} million pixels; no depth camera has so many."
        ) from None
    except (OSError, ValueError, SyntaxError, EOFError, zlib.error) as error:
        detail = (str(error).splitlines() or [type(error).__name__])[0][:100].replace(str(path), name)
        raise InputError(f"{name} could not be read as a {kind} ({detail}); copy it again.") from None


def intrinsics(fx: float, fy: float, cx: float, cy: float) -> F64:
    """(3, 3) [[fx, 0, cx], [0, fy, cy], [0, 0, 1]], the arguments in pixels, centres at halves."""
    return np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]], np.float64)


def from_integer_centres(K: ArrayLike) -> F64:
    """Intrinsics (3, 3) for pixel centres at halves, given those for centres at integers (ROS, OpenCV)."""
    moved = np.array(K, np.float64)
    moved[:2, 2] += 0.5
    return moved


def scaled_intrinsics(K: ArrayLike, from_size: tuple[int, int], to_size: tuple[int, int]) -> F64:
    """Intrinsics (3, 3) of the same picture at another size; sizes are (width, height), centres at halves."""
    ratio = np.array([to_size[0] / from_size[0], to_size[1] / from_size[1], 1.0])
    return np.asarray(K, np.float64) * ratio[:, None]


def check_depths(frames: Sequence[DepthFrame], source: str, scale: float | None = None) -> None:
    """Raise `InputError` where the capture holds no depth, or its unit cannot be the one that was assumed.

    A few frames are looked at: the median of their depths must lie in 0.2 to 12 m. `scale` is the number of
    units a metre that the depths were divided by, None where the format gives metres.
    """
    steps = np.unique(np.linspace(0, len(frames) - 1, min(SAMPLED, len(frames))).astype(int))
    depths = [frame.depth_m[frame.depth_m > 0] for frame in (frames[int(k)] for k in steps)]
    values = np.concatenate([np.zeros(0, np.float32), *depths])
    if not len(values):
        raise InputError(f"{source}: none of {len(steps)} depth pictures holds a depth; record it again.")
    median = float(np.median(values))
    if NEAREST_M <= median <= FARTHEST_M:
        return
    assumed = 1.0 if scale is None else scale
    fitting = [
        f"{other:g} ({unit})"
        for other, unit in SCALES.items()
        if other != assumed and NEAREST_M <= median * assumed / other <= FARTHEST_M
    ]
    advice = f"give depth_scale {' or '.join(fitting)}" if fitting else "no usual unit fits: check the files"
    raise InputError(
        f"{source}: the median depth is {median:.3g} m at {assumed:g} units a metre; a person stands at "
        f"{NEAREST_M:g} to {FARTHEST_M:g} m: {advice}."
    )


def digest_files(paths: Iterable[Path], root: Path | None = None) -> str:
    """SHA-256 (hex) over names below `root` (None: the bare names) and bytes of files, in order of names."""
    named = {p.relative_to(root).as_posix() if root is not None else p.name: p for p in paths}
    digest = hashlib.sha256()
    for name in sorted(named):
        with named[name].open("rb") as file:
            inner = hashlib.file_digest(file, "sha256").digest()
        encoded = name.encode("utf-8", "surrogateescape")
        digest.update(len(encoded).to_bytes(8, "little") + encoded + inner)
    return digest.hexdigest()


def read_text(path: Path) -> str:
    """The text of a file, or `InputError` that names it: missing, not readable, or larger than 64 MB."""
    try:
        if path.stat().st_size > MOST_TEXT_BYTES:
            raise InputError(
                f"{path.name} is larger than {MOST_TEXT_BYTES / 1e6:.0f} MB; it is no description."
            )
        return path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise InputError(f"{path} cannot be opened for reading: {error.strerror}.") from None


def parse_json(text: str | bytes, name: str) -> Any:
    """The value of a JSON text; `InputError` that names it for other text, NaN, or a key given twice."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        if len(set(keys)) != len(keys):
            raise ValueError(f"the key {max(keys, key=keys.count)!r} is there twice")
        return dict(pairs)

    def constant(word: str) -> float:
        raise ValueError(f"it holds {word}")

    try:
        return json.loads(text, object_pairs_hook=unique, parse_constant=constant)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{name} is no JSON that can be read ({str(error)[:100]}); export it again."
        ) from None


def parse_numbers(text: str, name: str, count: int | None = None) -> list[float]:
    """Numbers between spaces, commas or line breaks (NaN and infinite ones too), or `InputError`."""
    try:
        values = [float(word) for word in text.replace(",", " ").split()]
    except ValueError as error:
        raise InputError(f"{name}: {str(error)[:80]}; only numbers may stand here.") from None
    if count is not None and len(values) != count:
        raise InputError(f"{name} must hold {count} numbers; it holds {len(values)}.")
    return values


def parse_matrix(text: str, name: str) -> F64:
    """A (4, 4) matrix written row after row, of 16 numbers or 12 (the last row left out), unchecked."""
    values = parse_numbers(text, name)
    if len(values) == 12:
        values = [*values, 0.0, 0.0, 0.0, 1.0]
    if len(values) != 16:
        raise InputError(f"{name} must hold a 4 by 4 matrix, 16 numbers; it holds {len(values)}.")
    return np.array(values, np.float64).reshape(4, 4)


def is_lost(matrix: F64) -> bool:
    """Whether a tracker wrote this pose to say that it had lost its place: NaN, infinite or all 0."""
    return not np.isfinite(matrix).all() or not matrix[:3].any()


def tracked(poses: Sequence[F64 | None], names: Sequence[str], notes: list[str]) -> list[int]:
    """Which frames to keep: those with a pose, all where none has one. A note says what was left out."""
    kept = [k for k, pose in enumerate(poses) if pose is not None]
    lost = [names[k] for k, pose in enumerate(poses) if pose is None]
    if lost and kept:
        notes.append(f"{len(lost)} of {len(poses)} frames have no pose and were left out, {lost[0]} first.")
    return kept or list(range(len(poses)))


def rigid_pose(matrix: ArrayLike, name: str) -> F64:
    """The rigid (4, 4) transform nearest to one that was rounded when it was written, or `InputError`."""
    pose = np.array(matrix, np.float64)
    if pose.shape != (4, 4) or not np.isfinite(pose).all():
        raise InputError(f"{name}: the pose is no 4 by 4 matrix of finite numbers; track the camera again.")
    rotation = pose[:3, :3]
    error = np.abs(rotation @ rotation.T - np.eye(3)).max()
    if error > UNSQUARE or np.linalg.det(rotation) < 0 or np.abs(pose[3] - [0, 0, 0, 1]).max() > 1e-6:
        raise InputError(
            f"{name}: the pose is not rigid (its rotation is off by {error:.2g}, its determinant is "
            f"{np.linalg.det(rotation):.3g}); poses must be a rotation and a translation in metres."
        )
    left, _, right = np.linalg.svd(rotation)
    pose[:3, :3], pose[3] = left @ right, [0, 0, 0, 1]
    return pose


def quaternion_pose(xyzw: ArrayLike, translation: ArrayLike, name: str) -> F64:
    """(4, 4) of a quaternion x, y, z, w and a translation (3,), or `InputError` where its length is not 1."""
    quaternion, moved = np.array(xyzw, np.float64), np.array(translation, np.float64)
    length = float(np.linalg.norm(quaternion))
    if quaternion.shape != (4,) or not abs(length - 1) < UNSQUARE or not np.isfinite(moved).all():
        raise InputError(f"{name}: the quaternion has length {length:.3g}; it must be 1. Track it again.")
    x, y, z, w = quaternion / length
    pose = np.eye(4)
    pose[:3, :3] = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    pose[:3, 3] = moved
    return pose
