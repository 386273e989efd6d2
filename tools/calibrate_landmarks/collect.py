"""Shows made people to the detector, as scans are shown."""

from __future__ import annotations

import numpy as np

from bodyscan.body.asset import AGES, load_body_model
from bodyscan.body.model import BodyModel
from bodyscan.body.poses import standard_pose
from bodyscan.geometry.rotations import matrix_to_rotvec, rotvec_to_matrix
from bodyscan.reconstruct.landmarks import detect_landmarks
from bodyscan.reconstruct.mediapipe_detector import POSE_NAMES, PersonDetector
from bodyscan.types import BodyParams, Mesh

PEOPLE_PER_AGE = 24
SEED = 20_250_115
POSES = ("a", "relaxed", "t")
BENT_RAD = {"UpperArm": 0.15, "LowerArm": 0.25, "Hand": 0.12, "UpperLeg": 0.08, "LowerLeg": 0.12}
FINGER_CURL_RAD = 0.5


def names() -> tuple[str, ...]:
    hands = [f"{side}_hand_{i}" for side in ("left", "right") for i in range(21)]
    return (*POSE_NAMES, *hands, *(f"face_{i}" for i in range(478)))


def random_params(model: BodyModel, pose: str, rng: np.random.Generator) -> BodyParams:
    """A made person near a studio pose."""
    betas = rng.normal(size=model.num_components)
    rotvec = standard_pose(model, betas, pose)
    matrices = rotvec_to_matrix(rotvec)
    for j, name in enumerate(model.joint_names):
        for side in ("left", "right"):
            spread = BENT_RAD.get(name.removeprefix(side), 0.0) if name.startswith(side) else 0.0
            matrices[j] = matrices[j] @ rotvec_to_matrix(rng.normal(scale=spread, size=3))
    rotvec = matrix_to_rotvec(matrices)
    curl = rng.uniform(0, FINGER_CURL_RAD)
    for side, sign in (("left", -1.0), ("right", 1.0)):
        for finger in ("Index", "Middle", "Ring", "Little"):
            for segment in ("Proximal", "Intermediate", "Distal"):
                j = model.joint_index(f"{side}{finger}{segment}")
                rotvec[j] = rotvec[j] + [0.0, 0.0, sign * curl]
    return BodyParams(betas, rotvec, np.zeros(3))


def collect(people: int) -> dict[str, np.ndarray]:
    """What the detector finds on made people."""
    wanted = {name: k for k, name in enumerate(names())}
    rows: dict[str, list] = {"found": [], "sure": [], "vertices": [], "joints": [], "age": []}
    rng = np.random.default_rng(SEED)
    with PersonDetector(0.5) as detector:
        for age in AGES:
            model = load_body_model(age)
            for k in range(people):
                posed = model.pose(random_params(model, POSES[k % len(POSES)], rng))
                landmarks = detect_landmarks(Mesh(posed.vertices, model.faces), detector=detector)
                if landmarks is None:
                    print(f"{age} {k}: no person seen")
                    continue
                found, sure = np.full((len(wanted), 3), np.nan), np.zeros(len(wanted))
                place = [wanted[name] for name in landmarks.names]
                found[place], sure[place] = landmarks.positions, landmarks.confidence
                for key, value in zip(rows, (found, sure, posed.vertices, posed.joints, age), strict=True):
                    rows[key].append(value)
                print(f"{age} {k}: {len(place)} points", flush=True)
    return {key: np.array(value) for key, value in rows.items()}
