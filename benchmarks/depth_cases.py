"""Who stands before which depth cameras, and what is made of the frames."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import bodyscan
from bodyscan.files import write_atomic
from bodyscan.simulate.depth import DepthTruth, simulate_depth
from bodyscan.simulate.depth_options import DepthRigOptions
from bodyscan.simulate.options import RawScanOptions
from bodyscan.types import DepthCapture, DepthFrame

HERE, SOURCE = Path(__file__).parent, Path(bodyscan.__file__).parent
ROOMS = ("types", "geometry", "body", "simulate", "reconstruct", "fit", "pipeline")
BUILDS = ("average", "thin", "heavy", "athletic")
HAIR = ("short", "bob", "bald", "long")
CLOTHES = {
    "female": ("sports", "leggings", "tshirt", "loose"),
    "male": ("briefs", "tshirt", "briefs", "loose"),
}
CHILD_CLOTHES = ("tshirt", "loose")
CHILD_EVERY = 5
"""So many people in turn hold one child."""
SWAY: dict[str, Any] = {"sway_mm": 20.0, "arm_drift_mm": 50.0, "breath_mm": 3.0}
"""Of somebody who tries to stand still for half a minute, arms held out."""
OPEN_TURNS = 0.7
MATRIX_SENSORS = ("kinect-v2", "azure-kinect", "realsense-d435", "iphone-lidar")
MATRIX_RIGS = ("turntable", "walk-around", "four-poles")
TURN_SECONDS, POLE_SECONDS = 30.0, 4.0
"""Four cameras that stand see all sides at once: nobody holds still longer than needed for them."""


@dataclass(frozen=True)
class Shot:
    """Frames that are simulated once, for all that is made of them."""

    name: str
    number: int
    """Of the person."""
    person: RawScanOptions
    rig: DepthRigOptions

    @property
    def digest(self) -> str:
        """Of all that the frames depend on."""
        told = [self.person.as_dict(), self.rig.as_dict(), code_digest()]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:20]

    def truth(self) -> DepthTruth:
        """The truth behind the frames; takes some seconds."""
        return simulate_depth(self.person, self.rig).truth


@dataclass(frozen=True)
class Target:
    """What the mean over a case's people must not exceed."""

    column: str
    limit: float


@dataclass(frozen=True)
class Task:
    """One method on one shot: a row of the table."""

    case: str
    shot: Shot
    method: str = "bodyscan"
    """`bodyscan`, or a name of `PEERS` in `depth_peer_open3d`."""
    poses: str = "track"
    """`given` or `track`; tracked frames carry no poses and no direction up."""
    motion: str = "auto"
    """`DepthOptions.motion`."""
    range_error: bool = True
    """`TrackOptions.range_error`."""
    shuffled: bool = False
    """The frames come in a random order, and say that they were taken in it."""
    must_refuse: bool = False

    @property
    def name(self) -> str:
        """Of its files and its row."""
        case = self.case.replace("/", "_")
        return f"{case}_{self.method}_{self.shot.number:02d}"

    @property
    def digest(self) -> str:
        """Of all that its row depends on."""
        told = [
            self.case,
            self.method,
            self.poses,
            self.motion,
            self.range_error,
            self.shuffled,
            self.shot.digest,
        ]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:20]


TARGETS: dict[str, tuple[Target, ...]] = {
    "rigid-given": (Target("mean_mm", 0.4),),
    "rigid-tracked": (Target("mean_mm", 0.6),),
    "sway": (Target("mean_mm", 1.5), Target("girth_mm", 9.0), Target("doubled_limbs", 0.0)),
}
"""Of method `bodyscan`. Limits on the means; no doubled limb, in nobody."""


@dataclass(frozen=True)
class Size:
    """How much is simulated."""

    people: int
    frames: int
    width: int
    height: int
    background: str
    seed: int
    peers: int = 0
    """So many people meet the peers too."""
    matrix: bool = False
    matrix_people: int = 2
    matrix_frames: int = 48
    only: tuple[str, ...] = field(default=())
    """Cases or methods; empty: all."""


def person(number: int) -> RawScanOptions:
    """Person `number`: build, sex, skin tone, hair and clothes go through their values at own speeds."""
    child = number % CHILD_EVERY == CHILD_EVERY - 1
    sex = ("female", "male")[number % 2]
    step = number // 2
    clothes = CHILD_CLOTHES[step % 2] if child else CLOTHES[sex][(step + number // 8) % 4]
    return RawScanOptions(
        seed=7000 + number,
        age="child" if child else "adult",
        sex=sex,
        build=BUILDS[step % 4],
        skin_tone=1 + 3 * number % 10,
        hair=HAIR[(number + number // 4) % 4],
        clothing=clothes,
    )


def all_tasks(size: Size, peers: Sequence[tuple[str, str]]) -> list[Task]:
    """Everything that is asked for, shot after shot. `peers`: (method, poses that it takes)."""
    tasks: list[Task] = []
    for number in range(size.people):
        rigid, sway, opened = (_shot(size, number, kind) for kind in ("rigid", "sway", "open"))
        tasks += [
            Task("rigid-given", rigid, poses="given"),
            Task("rigid-tracked", rigid),
            Task("sway", sway),
            Task("sway-as-statue", sway, motion="rigid"),
        ]
        if number < 2:
            tasks.append(Task("rigid-given-no-curve", rigid, poses="given", range_error=False))
            tasks.append(Task("rigid-tracked-no-curve", rigid, range_error=False))
            tasks.append(Task("scramble", rigid, shuffled=True, must_refuse=True))
            tasks.append(Task("open", opened, must_refuse=True))
        if number < size.peers:
            for shot, case in ((rigid, "rigid"), (sway, "sway")):
                for method, poses in peers:
                    name = f"{case}-{'given' if poses == 'given' else 'tracked'}" if case == "rigid" else case
                    tasks.append(Task(name, shot, method, poses=poses))
    if size.matrix:
        tasks += _matrix(size)
    chosen = [task for task in tasks if not size.only or {task.case, task.method} & set(size.only)]
    return sorted(chosen, key=lambda task: (task.shot.name.startswith("matrix"), task.shot.number))


def _shot(size: Size, number: int, kind: str) -> Shot:
    motion = SWAY if kind == "sway" else {}
    rig = DepthRigOptions(
        seed=size.seed + number, sensor="azure-kinect", rig="turntable", frames=size.frames,
        width=size.width, height=size.height, background=size.background, seconds=TURN_SECONDS,
        turns=OPEN_TURNS if kind == "open" else 1.0, **motion,
    )  # fmt: skip
    return Shot(kind, number, person(number), rig)


def _matrix(size: Size) -> list[Task]:
    tasks = []
    for rig in MATRIX_RIGS:
        for sensor in MATRIX_SENSORS:
            for number in range(size.matrix_people):
                poles = rig == "four-poles"
                options = DepthRigOptions(
                    seed=size.seed + number, sensor=sensor, rig=rig, frames=size.matrix_frames,
                    background=size.background, seconds=POLE_SECONDS if poles else TURN_SECONDS, **SWAY,
                )  # fmt: skip
                shot = Shot(f"matrix-{rig}-{sensor}", number, person(number), options)
                tasks.append(Task(f"{rig}/{sensor}", shot, poses="given" if poles else "track"))
    return tasks


@cache
def code_digest() -> str:
    """Of the code that simulates, reconstructs and measures."""
    files = [path for room in ROOMS for path in sorted((SOURCE / room).rglob("*.py"))]
    files += [HERE / f"depth_{name}.py" for name in ("cases", "steps", "limbs", "truth", "peer_open3d")]
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()


class FrameFolder(Sequence[DepthFrame]):
    """Frames in a folder, read when they are asked for, as the reader of a recording does."""

    def __init__(self, folder: Path) -> None:
        self._paths = sorted(folder.glob("frame_*.npz"))

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[k] for k in range(*index.indices(len(self)))]
        with np.load(self._paths[index], allow_pickle=False) as data:
            return DepthFrame(
                depth_m=data["depth_m"],
                K=data["K"],
                color=data["color"],
                confidence=data.get("confidence"),
                world_from_camera=data.get("pose"),
                time_s=float(data["time_s"]),
                name=self._paths[index].stem,
                camera=str(data["camera"]),
            )


class _Told(Sequence[DepthFrame]):
    """Frames in another order, or without their poses."""

    def __init__(self, frames: FrameFolder, order: np.ndarray, with_poses: bool) -> None:
        self._frames, self._order, self._with_poses = frames, order, with_poses
        self._times = [frame.time_s for frame in frames] if (np.diff(order) != 1).any() else None

    def __len__(self) -> int:
        return len(self._order)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[k] for k in range(*index.indices(len(self)))]
        frame = self._frames[int(self._order[index])]
        if self._times is not None:
            frame = replace(frame, time_s=self._times[index])
        return frame if self._with_poses else replace(frame, world_from_camera=None)


def write_shot(shot: Shot, folder: Path, compressed: bool) -> None:
    """Simulate the frames of `shot` into `folder`; what is there already is kept."""
    if (folder / "capture.json").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    made = simulate_depth(shot.person, shot.rig)
    for frame in made.frames:
        arrays = {
            "depth_m": frame.depth_m, "K": frame.K, "color": frame.color, "camera": np.array(frame.camera),
            "time_s": np.array(frame.time_s), "pose": frame.world_from_camera, "confidence": frame.confidence,
        }  # fmt: skip
        kept = {name: value for name, value in arrays.items() if value is not None}
        buffer = io.BytesIO()
        (np.savez_compressed if compressed else np.savez)(buffer, **kept)
        write_atomic(folder / f"{frame.name}.npz", buffer.getvalue())
    capture = made.capture()
    told = {"sensor": capture.sensor, "sha256": capture.sha256, "source": capture.source}
    write_atomic(folder / "capture.json", json.dumps(told).encode())


def read_shot(task: Task, folder: Path) -> DepthCapture:
    """The capture as `task` hands it over."""
    frames = FrameFolder(folder)
    order = np.arange(len(frames))
    if task.shuffled:
        np.random.default_rng(task.shot.rig.seed).shuffle(order)
    given = task.poses == "given"
    up = np.array([0.0, 1.0, 0.0]) if given else None
    told = json.loads((folder / "capture.json").read_text())
    return DepthCapture(_Told(frames, order, given), up=up, file_format="simulated", **told)
