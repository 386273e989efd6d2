"""smplfitter (PyPI), a closed-form fit of SMPL-family bodies to vertices with known correspondence.

It reads model files only, and only those of the SMPL family. Our packaged body has the 55 joints of SMPL-X,
one for one: it is written to a temporary folder in that file's layout (no pose correctives, an empty child
template), so that the package's own reader takes it and its rules for feet and toes meet the right joints.
No file of the SMPL family itself is needed. It gets the true joints as well: with joints that are regressed
from the true vertices it drifts away from step to step (5 mm after one, 15 mm after six).
"""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

import numpy as np
from fit_cases import Case
from fit_metrics import Result
from peers import PeerFit, missing

from bodyscan.body.asset import load_body_model
from bodyscan.body.model import BodyModel

try:
    import torch
    from smplfitter.pt import BodyFitter
    from smplfitter.pt import BodyModel as SmplBody
except ImportError:
    missing("smplfitter")

TRUNK = (
    "hips", "leftUpperLeg", "rightUpperLeg", "spine", "leftLowerLeg", "rightLowerLeg", "chest", "leftFoot",
    "rightFoot", "upperChest", "leftToes", "rightToes", "neck", "leftShoulder", "rightShoulder", "head",
    "leftUpperArm", "rightUpperArm", "leftLowerArm", "rightLowerArm", "leftHand", "rightHand", "jaw",
    "leftEye", "rightEye",
)  # fmt: skip
FINGERS = ("Index", "Middle", "Little", "Ring", "Thumb")
SEGMENTS = ("Proximal", "Intermediate", "Distal")
THUMB = ("Metacarpal", "Proximal", "Distal")
ORDER = TRUNK + tuple(
    f"{side}{finger}{segment}"
    for side in ("left", "right")
    for finger in FINGERS
    for segment in (THUMB if finger == "Thumb" else SEGMENTS)
)
"""Our joint names in the order of SMPL-X."""
ITERATIONS, SHAPE_WEIGHT = 4, 0.001
"""Chosen on two cases; with the default weight of 1 surfaces are twice as far."""


def fit(case: Case, result: Result) -> PeerFit:
    fitter, names = _fitter(case.person.age), case.person.model.joint_names
    order = [names.index(name) for name in ORDER]
    target = torch.tensor(case.truth.outer, dtype=torch.float32)[None]
    target_joints = torch.tensor(case.truth.joints[order], dtype=torch.float32)[None]
    with torch.no_grad():
        found = fitter.fit(
            target,
            target_joints,
            num_iter=ITERATIONS,
            beta_regularizer=SHAPE_WEIGHT,
            requested_keys=["pose_rotvecs", "shape_betas", "trans"],
        )
        posed = fitter.body_model(
            pose_rotvecs=found["pose_rotvecs"], shape_betas=found["shape_betas"], trans=found["trans"]
        )
    joints = np.empty((len(names), 3))
    joints[order] = posed["joints"][0].numpy()
    return PeerFit(posed["vertices"][0].numpy().astype(np.float64), joints, in_truth=True)


def prepare() -> None:
    """Load both bodies before any clock runs."""
    for age in ("adult", "child"):
        _fitter(age)


@cache
def _fitter(age: str) -> BodyFitter:
    model = load_body_model(age)
    with tempfile.TemporaryDirectory() as folder:
        np.savez(Path(folder) / "SMPLX_NEUTRAL.npz", **smplx_arrays(model))
        np.save(Path(folder) / "kid_template.npy", np.zeros((model.num_vertices, 3)))
        return BodyFitter(SmplBody("smplx", "neutral", model_root=folder))


def smplx_arrays(model: BodyModel) -> dict[str, np.ndarray]:
    """The arrays of an SMPL-X file that say our body. Joints are given, so that none are regressed."""
    order = [model.joint_index(name) for name in ORDER]
    place = {joint: k for k, joint in enumerate(order)}
    parents = [place.get(int(model.parents[joint]), -1) for joint in order]
    return {
        "v_template": model.template,
        "shapedirs": np.ascontiguousarray(model.shape_dirs.transpose(1, 2, 0)),
        "posedirs": np.zeros((model.num_vertices, 3, 9 * (len(order) - 1)), np.float16),
        "weights": model.skin_weights.toarray()[:, order],
        "f": model.faces,
        "kintree_table": np.array([parents, np.arange(len(order))], np.int64),
        "J_template": model.joint_template[order],
        "J_shapedirs": np.ascontiguousarray(model.joint_dirs[:, order].transpose(1, 2, 0)),
        "J_regressor": np.zeros((len(order), model.num_vertices)),
    }
