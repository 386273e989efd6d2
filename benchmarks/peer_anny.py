"""The inverter of anny (PyPI): its own body, fitted to vertices with known correspondence.

It has to be given every vertex of its own topology. Ours is cut from the same CC0 base mesh, so that the true
vertices can be handed over one for one. Only its CC0 topology and rig are used.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from fit_cases import Case
from fit_metrics import Result
from peers import PeerFit, missing

import bodyscan
from bodyscan.types import F64

try:
    import anny
    import torch
except ImportError:
    missing("anny")

ASSET = Path(bodyscan.__file__).parent / "body" / "data" / "body.npz"
WORLD_FROM_ANNY = np.array([[1.0, 0, 0], [0, 0, 1.0], [0, -1.0, 0]])
"""Z up, facing -Y  ->  Y up, facing +Z."""
AGES = {"age": [0.15, 0.4, 0.8]}
"""It tries a small child, a child and an adult."""
GRADIENT_STEPS, GRADIENT_RATE = 200, 0.01
"""Chosen on two cases: with the defaults (100 and 0.001) surfaces are twice as far, in half of the time."""
SEGMENTS = ("Proximal", "Intermediate", "Distal")
FINGERS = {1: "Thumb", 2: "Index", 3: "Middle", 4: "Ring", 5: "Little"}
LIMBS = {
    "Eye": "eye", "UpperLeg": "upperleg01", "LowerLeg": "lowerleg01", "Foot": "foot",
    "Shoulder": "clavicle", "UpperArm": "upperarm01", "LowerArm": "lowerarm01", "Hand": "wrist",
}  # fmt: skip


def bone_names() -> dict[str, str]:
    """Our joint -> the bone of its rig whose head it is. Joints of the trunk are left out: they differ."""
    found = {"neck": "neck01", "head": "head", "jaw": "jaw"}
    for side, letter in (("left", "L"), ("right", "R")):
        found |= {side + ours: f"{theirs}.{letter}" for ours, theirs in LIMBS.items()}
        for number, finger in FINGERS.items():
            parts = ("Metacarpal", "Proximal", "Distal") if finger == "Thumb" else SEGMENTS
            for place, part in enumerate(parts, 1):
                found[f"{side}{finger}{part}"] = f"finger{number}-{place}.{letter}"
    return found


def fit(case: Case, result: Result) -> PeerFit:
    inverter, ours = _inverter()
    target = torch.tensor(case.truth.outer[ours] @ WORLD_FROM_ANNY, dtype=torch.float32)[None]
    pose, told, found = inverter(
        target,
        multistart_anchors=AGES,
        post_gd=True,
        post_gd_steps=GRADIENT_STEPS,
        post_gd_lr=GRADIENT_RATE,
        post_gd_optimize_local_changes=True,
    )
    phenotypes, local, _ = told
    with torch.no_grad():
        output = inverter.model(pose_parameters=pose, phenotype_kwargs=phenotypes, local_changes_kwargs=local)
    vertices = case.truth.outer.copy()  # the teeth, which it has not, are not measured
    vertices[ours] = found[0].numpy() @ WORLD_FROM_ANNY.T
    return PeerFit(vertices, _joints(case, output["bone_poses"][0, :, :3, 3].numpy()), in_truth=True)


def _joints(case: Case, heads: F64) -> F64:
    labels, bones = list(_inverter()[0].model.bone_labels), bone_names()
    joints = np.full_like(case.truth.joints, np.nan)
    for k, name in enumerate(case.person.model.joint_names):
        if bones.get(name) in labels:
            joints[k] = WORLD_FROM_ANNY @ heads[labels.index(bones[name])]
    return joints


def prepare() -> None:
    """Load the model, which takes a minute, before any clock runs."""
    _inverter()


@cache
def _inverter() -> tuple[anny.AnnyInverter, np.ndarray]:
    """The inverter, and for each vertex that it wants the row of ours."""
    model = anny.Anny(
        rig="anny", topology="anny", local_changes="default", phenotypes="all", skinning_method="lbs"
    ).to(dtype=torch.float32)
    inverter = anny.AnnyInverter(model)
    wanted = model.base_mesh_vertex_indices[inverter.unique_ids].numpy()
    with np.load(ASSET, allow_pickle=False) as asset:
        place = {int(vertex): row for row, vertex in enumerate(asset["base_vertex"])}
    return inverter, np.array([place[int(vertex)] for vertex in wanted])
