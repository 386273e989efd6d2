"""The cases of `benchmarks/fit.py`: who stands how before which scanner, and the scan with its truth.

The table is fixed: person k always takes the same condition and pose, so that runs can be compared.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from fit_people import Person
from fit_poses import pose_person
from fit_truth import Truth, flat_outer, seen_by_scan, skin_points, visible_points

from bodyscan.geometry.normals import areas_and_normals
from bodyscan.geometry.weld import used_vertices
from bodyscan.simulate.faults import add_noise, cut_holes, hole_centres
from bodyscan.simulate.file_frame import draw_world_from_input
from bodyscan.simulate.options import RawScanOptions
from bodyscan.simulate.scanner import scan_scene
from bodyscan.simulate.scene import build_scene
from bodyscan.simulate.smooth_noise import smooth_noise
from bodyscan.types import F64, BodyParams, Mesh


@dataclass(frozen=True)
class Condition:
    """How a scan is taken, and of whom it is."""

    poses: tuple[str, ...]
    """Of the first, second ... person that comes up."""
    scan: dict = field(default_factory=dict)
    """Fields of `RawScanOptions` that differ from `USUAL`."""
    hands: tuple[str, ...] = ("relaxed",)
    hair: tuple[str, ...] = ("bald",)
    clothing: str = ""
    """Empty: briefs on adults, tight T-shirt and leggings on children, who are never scanned with less."""
    back_gone: float = 0.0
    """Share of the back's area without data."""
    noise_m: float = 0.0003
    """How far data may lie off the surface that it shows."""


USUAL = {"noise_mm": 0.3, "drift_mm": 0.5, "holes": ("soles",)}
CONDITIONS: dict[str, Condition] = {
    "clean": Condition(
        ("a", "t", "stride", "arms_up"), {"noise_mm": 0.0, "drift_mm": 0.0, "holes": ()}, noise_m=0.0
    ),
    "contact": Condition(
        ("arms_at_sides", "hands_on_hips", "legs_together", "arms_at_sides"), {"voxel_mm": 5.0}
    ),
    "tight": Condition(
        ("hands_on_hips", "arms_up", "stride", "arms_at_sides"), clothing="tshirt", hair=("short",)
    ),
    "loose": Condition(("a", "relaxed", "arms_out", "stride"), clothing="loose", hair=("short",)),
    "noise": Condition(
        ("relaxed", "arms_out", "a", "arms_forward"), {"noise_mm": 2.0, "drift_mm": 0.0}, noise_m=0.002
    ),
    "hair": Condition(("legs_together", "arms_out", "hands_on_hips", "t"), hair=("bob", "long")),
    "holes": Condition(
        ("arms_forward", "relaxed", "arms_up", "stride"),
        {"holes": ("crown", "soles", "armpits")},
        back_gone=0.3,
    ),
    "kinect": Condition(
        ("t", "a", "legs_together", "hands_on_hips"),
        {"depth_step_mm": 2.8, "voxel_mm": 6.0, "num_cameras": 12, "noise_mm": 0.5, "drift_mm": 1.0},
        noise_m=0.004,
    ),
    "hands": Condition(("t", "arms_forward", "a", "arms_out"), hands=("fist", "spread", "open", "fist")),
    "stands": Condition(
        ("legs_together", "arms_up", "arms_forward", "relaxed"), {"floor": "turntable", "pole": True}
    ),
}  # fmt: skip
FRAMES = (
    {"unit": "m", "up": "+y", "facing": "+z"},
    {"unit": "mm", "up": "+z", "facing": "-y"},
    {"unit": "cm", "up": "+y", "facing": "+z"},
    {"unit": "m", "up": "+z", "facing": "+x"},
)
"""Unit and axes of the file, in turn; the clean-up is told none of them."""
REACH_M = 0.004
"""A point of the surface has data where the scan passes so near, plus the condition's noise."""
BACK_WAVES_M = (0.25, 0.6)


@dataclass(frozen=True)
class Plan:
    """What a case is to be, before anything is simulated."""

    number: int
    condition: str
    pose: str
    hands: str
    hair: str
    clothing: str
    frame: int

    @property
    def minimal_clothing(self) -> bool:
        return self.clothing == "briefs" and self.hair == "bald"


@dataclass(frozen=True, eq=False)
class Case:
    """One scan with its truth."""

    person: Person
    plan: Plan
    scan: Mesh
    """In the file's unit and axes: turned and moved."""
    world_from_file: F64
    """(4, 4) to the truth's world frame."""
    truth: Truth


def plan_case(number: int, age: str) -> Plan:
    """Ten conditions in turn, shifted by one every ten people, so that children meet nearly all of them."""
    names, turn = list(CONDITIONS), number // len(CONDITIONS)
    name = names[(number + turn) % len(names)]
    condition = CONDITIONS[name]

    def pick(values: tuple[str, ...]) -> str:
        return values[turn % len(values)]

    clothing = condition.clothing or ("briefs" if age == "adult" else "tshirt")
    return Plan(
        number,
        name,
        pick(condition.poses),
        pick(condition.hands),
        pick(condition.hair),
        clothing,
        (number + turn) % len(FRAMES),
    )


def scan_options(plan: Plan, age: str, seed: int, num_faces: int) -> RawScanOptions:
    """The simulated scanner's options; the pose is made by `fit_poses`."""
    condition = CONDITIONS[plan.condition]
    wear = {"hair": plan.hair, "clothing": plan.clothing, "age": age}
    rest = {**USUAL, **condition.scan, **FRAMES[plan.frame]}
    return RawScanOptions(seed=seed + plan.number, target_faces=num_faces, **wear, **rest)


def scan_person(person: Person, plan: Plan, seed: int, num_faces: int) -> Case:
    """Pose, dress and scan a person. The same arguments give the same scan."""
    options = scan_options(plan, person.age, seed, num_faces)
    condition, model, none = CONDITIONS[plan.condition], person.model, np.zeros(0)
    streams = [np.random.default_rng([options.seed, k]) for k in range(8)]
    rotvecs = pose_person(streams[0], model, plan.pose, plan.hands)
    posed = model.pose(BodyParams(none, rotvecs, np.zeros(3)))
    shift = -np.array([0.0, posed.vertices[~model.inner, 1].min(), 0.0])
    posed = model.pose(BodyParams(none, rotvecs, shift))
    scene = build_scene(streams[1], model, posed, posed.vertices, model.rest_vertices(none), options)
    surface = scene.outer[~model.inner]
    mesh = scan_scene(streams[2], scene.mesh, surface, options)
    joints = dict(zip(model.joint_names, posed.joints, strict=True))
    mesh = cut_holes(streams[3], mesh, hole_centres(joints, surface), options)
    if condition.back_gone:
        mesh = without_back(streams[4], mesh, joints, condition.back_gone)
    mesh = add_noise(streams[5], mesh, options)
    points, body_face = visible_points(model, scene, plan.number)
    on_skin, skin_face, flat_skin = skin_points(model, posed.vertices, plan.number)
    truth = Truth(
        pose_rotvec=rotvecs,
        translation=shift,
        joints=posed.joints,
        skin=posed.vertices,
        outer=scene.outer,
        flat_skin=flat_skin,
        flat_outer=flat_outer(model, scene),
        points=points,
        body_face=body_face,
        seen=seen_by_scan(points, mesh, REACH_M + condition.noise_m),
        skin_points=on_skin,
        skin_face=skin_face,
        cover=np.asarray(scene.cover),
    )
    world_from_file = draw_world_from_input(streams[6], options)
    turn, move = world_from_file[:3, :3], world_from_file[:3, 3]
    in_file = Mesh((mesh.vertices - move) @ np.linalg.inv(turn).T, mesh.faces, colors=mesh.colors)
    return Case(person, plan, in_file, world_from_file, truth)


def without_back(rng: np.random.Generator, mesh: Mesh, joints: dict[str, F64], share: float) -> Mesh:
    """Remove ragged patches that are together `share` of the back's area, from the hips to the neck."""
    areas, normals = areas_and_normals(mesh.vertices, mesh.faces)
    centres = mesh.vertices[mesh.faces].mean(axis=1)
    wide = np.abs(joints["leftUpperArm"][0] - joints["rightUpperArm"][0]) / 2
    middle = joints["chest"]
    back = (centres[:, 1] > joints["hips"][1]) & (centres[:, 1] < joints["neck"][1])
    back &= (np.abs(centres[:, 0] - middle[0]) < wide) & (centres[:, 2] < middle[2])
    back &= normals[:, 2] < -0.3
    ids = np.flatnonzero(back)
    order = ids[np.argsort(-smooth_noise(rng, centres[ids], BACK_WAVES_M))]
    gone = order[np.cumsum(areas[order]) < share * areas[ids].sum()]
    kept = np.ones(len(mesh.faces), bool)
    kept[gone] = False
    used, faces = used_vertices(mesh.faces[kept], len(mesh.vertices))
    colors = None if mesh.colors is None else mesh.colors[used]
    return Mesh(mesh.vertices[used], faces, colors=colors)
