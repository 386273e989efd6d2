"""A person in front of depth cameras, with the truth beside the frames.

The frames are cast on the CPU (Embree), one ray through the middle of each pixel; a model of the sensor then
measures the exact picture (`bodyscan.simulate.depth_sensors`). Measured on one core of two: 5 s to dress a
person, then for a frame of 640 by 576 pixels 0.1 s, and 0.2 s more where the person moves.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import overload

import numpy as np

from bodyscan.errors import InputError
from bodyscan.geometry.raycast import Raycaster
from bodyscan.geometry.view import View
from bodyscan.simulate.depth_measure import ExactPicture, measured
from bodyscan.simulate.depth_motion import Motion, person_motion
from bodyscan.simulate.depth_options import DepthRigOptions
from bodyscan.simulate.depth_person import MovingPerson, moving_person
from bodyscan.simulate.depth_rig import RigPath, rig_path, room_mesh
from bodyscan.simulate.depth_sensors import sensor_camera
from bodyscan.simulate.options import RawScanOptions
from bodyscan.types import F64, BodyParams, DepthCapture, DepthFrame, Mesh

BACKDROP_RGB = 104
"""Grey of the colour picture where nothing stands."""
ROOM_INFRARED = 0.5


class SimulatedFrames(Sequence[DepthFrame]):
    """Frames that are made when they are asked for, each the same every time; none is kept."""

    def __init__(self, take: Callable[[int], DepthFrame], ids: range) -> None:
        self._take, self._ids = take, ids

    def __len__(self) -> int:
        return len(self._ids)

    @overload
    def __getitem__(self, index: int) -> DepthFrame: ...
    @overload
    def __getitem__(self, index: slice) -> SimulatedFrames: ...
    def __getitem__(self, index: int | slice) -> DepthFrame | SimulatedFrames:
        if isinstance(index, slice):
            return SimulatedFrames(self._take, self._ids[index])
        return self._take(self._ids[index])


class DepthTruth:
    """What is true about a simulated capture of N frames; V are the vertices of the body's topology.

    World: metres, +Y up; in the reference pose, the mean of the motion, the person faces +Z and the soles
    stand at Y = 0. For a turntable this world turns with the disc.
    """

    def __init__(self, person: MovingPerson, motion: Motion, path: RigPath) -> None:
        self.person = person
        self.motion = motion
        """At each of the N frames."""
        self.world_from_camera = path.world_from_camera
        """(N, 4, 4) float64, metres: where each frame's camera stood."""
        self.told = path.told
        """(N, 4, 4) the same with the rig's pose noise: what the frames tell, where they tell it."""
        self.times_s = path.times_s
        """(N,) float64 seconds."""
        self.cameras = path.cameras
        """(N,) each frame's camera."""
        self.model_name = person.model.name
        self.reference = person.params
        """`BodyParams` of the reference pose; these leave out the extra shape, as in `ScanTruth`."""
        self.params = tuple(
            BodyParams(person.params.betas, pose, shift)
            for pose, shift in zip(motion.pose_rotvec, motion.translation, strict=True)
        )
        """(N,) `BodyParams` at each frame; these leave out the extra shape and the breath."""
        self._surface = lru_cache(maxsize=2)(self._placed)

    def surface(self, k: int | None = None) -> Mesh:
        """Skin, cloth and hair at frame `k`, or in the reference pose: what a camera could see."""
        return self.person.mesh(self._surface(self._instant(k)))

    def skin(self, k: int | None = None) -> F64:
        """(V, 3) metres, the true skin at frame `k`, or in the reference pose."""
        return self.person.skin(*self._pose(self._instant(k)))

    def outer(self, k: int | None = None) -> F64:
        """(V, 3) metres, the same pushed out to cloth and hair where these cover it."""
        return self.person.outer(*self._pose(self._instant(k)))

    def _placed(self, k: int | None) -> F64:
        return self.person.still if k is None else self.person.surface(*self._pose(k))

    def _pose(self, k: int | None) -> tuple[BodyParams, float]:
        if k is None:
            return self.reference, 0.0
        return self.params[k], float(self.motion.breath_m[k])

    def _instant(self, k: int | None) -> int | None:
        """The first frame of the same instant, or None where the person never moves."""
        if k is None:
            return None
        if not -len(self.params) <= k < len(self.params):
            raise InputError(f"There is no frame {k}; the capture has {len(self.params)}.")
        k %= len(self.params)
        return None if self.motion.is_still else int(np.searchsorted(self.times_s, self.times_s[k]))


@dataclass(frozen=True, eq=False)
class SimulatedDepth:
    """A simulated capture by depth cameras, with the truth behind it."""

    frames: Sequence[DepthFrame]
    """(N,) made when they are asked for."""
    truth: DepthTruth
    person: RawScanOptions
    rig: DepthRigOptions

    def capture(self) -> DepthCapture:
        """The frames as a reader would hand them over."""
        options = {"person": self.person.as_dict(), "rig": self.rig.as_dict()}
        digest = hashlib.sha256(json.dumps(options, sort_keys=True).encode("ascii")).hexdigest()
        return DepthCapture(
            self.frames,
            sensor=self.rig.sensor,
            up=np.array([0.0, 1.0, 0.0]) if self.rig.give_poses else None,
            sha256=digest,
            source=f"simulated {self.rig.rig}",
            file_format="simulated",
        )


def simulate_depth(
    person: RawScanOptions | MovingPerson | None = None, rig: DepthRigOptions | None = None
) -> SimulatedDepth:
    """Put the person of `person` before the depth cameras of `rig`. The same options give the same frames.

    The person is the one whom `simulate_raw_scan` scans with the same options; one from `moving_person` can
    stand before several rigs without being dressed again. Raises `InputError` where `person` asks for a floor
    or a pole, which belong to the rig here.
    """
    rig = rig or DepthRigOptions()
    actor = person if isinstance(person, MovingPerson) else moving_person(person or RawScanOptions())
    streams = [np.random.default_rng(seed) for seed in np.random.SeedSequence([rig.seed, 3]).spawn(3)]
    width, height, K = sensor_camera(rig)
    path = rig_path(streams[0], actor.outline, K, (width, height), rig)
    times, instant = np.unique(path.times_s, return_inverse=True)
    motion = person_motion(streams[1], actor.model, actor.params, times, rig)
    motion = Motion(motion.pose_rotvec[instant], motion.translation[instant], motion.breath_m[instant])
    truth = DepthTruth(actor, motion, path)
    camera = _Camera(truth, path, room_mesh(streams[2], path, rig), rig, (width, height, K))
    return SimulatedDepth(SimulatedFrames(camera.take, range(rig.frames)), truth, actor.options, rig)


class _Camera:
    """Takes the frames: rays at the person and at the room, then the sensor's model."""

    def __init__(
        self, truth: DepthTruth, path: RigPath, room: Mesh | None, rig: DepthRigOptions,
        camera: tuple[int, int, F64],
    ) -> None:  # fmt: skip
        self.truth, self.path, self.rig = truth, path, rig
        self.width, self.height, self.K = camera
        self.room = None if room is None else Raycaster(room)
        self._caster = lru_cache(maxsize=1)(lambda instant: Raycaster(truth.surface(instant)))

    def take(self, k: int) -> DepthFrame:
        rng = np.random.default_rng(np.random.SeedSequence([self.rig.seed, 4, k]))
        picture = measured(rng, self.exact(k), self.rig)
        return DepthFrame(
            depth_m=picture.depth_m,
            K=self.K,
            color=picture.color,
            confidence=picture.confidence,
            world_from_camera=self.path.told[k] if self.rig.give_poses else None,
            time_s=float(self.path.times_s[k]),
            name=f"frame_{k:04d}",
            camera=self.path.cameras[k],
        )

    def exact(self, k: int) -> ExactPicture:
        """What the pixels' middles see."""
        count = self.width * self.height
        picture = ExactPicture(
            depth_m=np.full(count, np.inf),
            slant=np.ones(count),
            infrared=np.zeros(count),
            color=np.full((count, 3), float(BACKDROP_RGB)),
        )
        if self.room is not None:
            walls = np.full(len(self.room.mesh.vertices), ROOM_INFRARED)
            self._draw(picture, self.room, walls, self.path.room_from_camera[k])
        caster = self._caster(self.truth._instant(k))
        self._draw(picture, caster, self.truth.person.infrared, self.path.world_from_camera[k])
        shape = (self.height, self.width)
        return ExactPicture(
            picture.depth_m.reshape(shape), picture.slant.reshape(shape), picture.infrared.reshape(shape),
            picture.color.reshape(*shape, 3),
        )  # fmt: skip

    def _draw(self, picture: ExactPicture, caster: Raycaster, infrared: F64, pose: F64) -> None:
        """Draw what `caster` holds over what lies behind it."""
        view = View(self.width, self.height, self.K, np.linalg.inv(pose))
        seen = caster.look(view)
        nearer = seen.depth < picture.depth_m[seen.pixels]
        pixels, face_ids, shares = seen.pixels[nearer], seen.face_ids[nearer], seen.barycentric[nearer]
        corners = caster.mesh.vertices[caster.mesh.faces[face_ids]]
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        rays = seen.rays[nearer] @ view.camera_from_world[:3, :3]
        slant = np.abs(np.einsum("nk,nk->n", normals, rays))
        picture.depth_m[pixels] = seen.depth[nearer]
        picture.slant[pixels] = slant / np.maximum(np.linalg.norm(normals, axis=1), 1e-30)
        picture.infrared[pixels] = caster.interpolate(infrared[:, None], face_ids, shares)[:, 0]
        picture.color[pixels] = caster.interpolate(np.asarray(caster.mesh.colors), face_ids, shares)
