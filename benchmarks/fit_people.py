"""People with known truth for `benchmarks/fit.py`, and the scans that are made of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bodyscan.body.asset import load_body_model
from bodyscan.body.model import BodyModel
from bodyscan.errors import InputError
from bodyscan.geometry.normals import vertex_normals
from bodyscan.simulate.faults import add_noise, cut_holes, hole_centres
from bodyscan.simulate.file_frame import draw_world_from_input
from bodyscan.simulate.options import RawScanOptions
from bodyscan.simulate.people import plausible_betas
from bodyscan.simulate.posing import scan_pose
from bodyscan.simulate.scanner import scan_scene
from bodyscan.simulate.scene import build_scene
from bodyscan.simulate.smooth_noise import smooth_noise_vectors
from bodyscan.types import BodyParams, Mesh

POSES: dict[str, dict] = {
    "a": {"pose": "a"},
    "t": {"pose": "t"},
    "relaxed": {"pose": "relaxed"},
    "arms_out": {"pose": "relaxed", "arms_down_deg": -18.0},
    "legs_together": {"pose": "a", "legs": "together"},
    "fists": {"pose": "a", "hands": "fist", "legs": "apart"},
    "arms_at_sides": {"pose": "relaxed", "arms_down_deg": 8.0},
}
CONDITIONS: dict[str, dict] = {
    "clean": {"noise_mm": 0.0, "drift_mm": 0.0, "holes": ()},
    "noise": {"noise_mm": 2.0, "drift_mm": 0.5, "holes": ("soles",)},
    "holes": {"noise_mm": 0.3, "drift_mm": 0.5, "holes": ("crown", "soles", "armpits", "back")},
    "clothed": {"noise_mm": 0.3, "drift_mm": 0.5, "clothing": "tshirt", "hair": "short"},
}
"""`clothed` is a tight T-shirt with leggings and short hair; all others are bald in underwear."""
BUMPS_M = 0.003
BUMP_WAVES_M = (0.12, 0.5)


@dataclass(frozen=True, eq=False)
class Person:
    name: str
    age: str
    model: BodyModel
    """Our topology and skeleton with this person as its template and no shape component."""


@dataclass(frozen=True, eq=False)
class Case:
    """One scan with its truth; everything in metres, the truth in its own world frame."""

    person: Person
    pose: str
    condition: str
    scan: Mesh
    """In the file's axes: turned and moved."""
    world_from_file: np.ndarray
    params: BodyParams
    """Of `person.model`."""
    skin: np.ndarray
    """(V, 3)."""
    outer: np.ndarray
    """(V, 3) the skin, or the cloth and hair over it."""
    joints: np.ndarray
    """(J, 3)."""


def people_from_file(path: Path, count: int) -> list[Person]:
    """The first adults and children of a file of `make_people.py`, three adults to one child."""
    with np.load(path, allow_pickle=False) as data:
        vertices, joints, ages = data["vertices"], data["joints"], [str(age) for age in data["age"]]
    rows = {age: [row for row, each in enumerate(ages) if each == age] for age in ("adult", "child")}
    order = []
    for place in range(len(ages)):
        wanted = "child" if place % 4 == 3 else "adult"
        source = rows[wanted] or rows["adult"] or rows["child"]
        order.append(source.pop(0))
    return [
        _person(f"held-out {row}", ages[row], vertices[row].astype(np.float64), joints[row])
        for row in order[:count]
    ]


def people_of_own_space(count: int) -> list[Person]:
    """Draws from the packaged components plus smooth bumps that no component holds."""
    people = []
    for number in range(count):
        rng = np.random.default_rng([number, 4071])
        age = "child" if number % 4 == 3 else "adult"
        model = load_body_model(age)
        betas = plausible_betas(rng, model, spread=0.7)
        rest = model.rest_vertices(betas)
        bumps = smooth_noise_vectors(rng, rest, BUMP_WAVES_M)
        normals = vertex_normals(rest, model.faces).astype(np.float64)
        height = np.einsum("vc,vc->v", bumps, normals)
        quiet = model.region("head", "left_hand", "right_hand", "left_foot", "right_foot") | model.inner
        height *= np.where(quiet, 0.25, 1.0) * BUMPS_M / height.std()
        people.append(
            _person(f"own {number}", age, rest + height[:, None] * normals, model.rest_joints(betas))
        )
    return people


def _person(name: str, age: str, rest: np.ndarray, joints: np.ndarray) -> Person:
    model = load_body_model(age)
    if rest.shape != model.template.shape or joints.shape != model.joint_template.shape:
        raise InputError(
            f"{name} has {rest.shape} vertices and {joints.shape} joints; the packaged body has "
            f"{model.template.shape} and {model.joint_template.shape}. Draw the people again."
        )
    own = replace(
        model,
        template=rest.astype(np.float32),
        joint_template=joints,
        shape_dirs=np.zeros((0, *rest.shape), np.float32),
        joint_dirs=np.zeros((0, *joints.shape)),
        num_body_components=0,
    )
    return Person(name, age, own)


def scan_person(person: Person, pose: str, condition: str, seed: int, num_faces: int) -> Case:
    """Pose, dress and scan a person. The same arguments give the same scan."""
    wear = {"hair": "bald", "clothing": "briefs" if person.age == "adult" else "sports"}
    options = RawScanOptions(
        seed=seed, age=person.age, target_faces=num_faces, **{**wear, **POSES[pose], **CONDITIONS[condition]}
    )
    model = person.model
    streams = [np.random.default_rng([seed, k]) for k in range(6)]
    none = np.zeros(0)
    rotvecs = scan_pose(streams[0], model, none, options)
    posed = model.pose(BodyParams(none, rotvecs, np.zeros(3)))
    shift = -np.array([0.0, posed.vertices[~model.inner, 1].min(), 0.0])
    params = BodyParams(none, rotvecs, shift)
    posed = model.pose(params)
    scene = build_scene(streams[1], model, posed, posed.vertices, model.rest_vertices(none), options)
    surface = scene.outer[~model.inner]
    mesh = scan_scene(streams[2], scene.mesh, surface, options)
    joints = dict(zip(model.joint_names, posed.joints, strict=True))
    mesh = cut_holes(streams[3], mesh, hole_centres(joints, surface), options)
    mesh = add_noise(streams[4], mesh, options)
    world_from_file = draw_world_from_input(streams[5], options)
    turn, move = world_from_file[:3, :3], world_from_file[:3, 3]
    in_file = Mesh((mesh.vertices - move) @ np.linalg.inv(turn).T, mesh.faces, colors=mesh.colors)
    return Case(
        person, pose, condition, in_file, world_from_file, params, posed.vertices, scene.outer, posed.joints
    )
