"""The plain way to fit our body by gradients: robust two-way ICP with Adam in torch, from our first guess.

Scan points look for the nearest vertex and vertices for the nearest scan point. The distances along the
scan's normals, and a tenth of the distances themselves, go through a robust kernel (Geman and McClure 1987)
that narrows from 40 to 3 mm; all shape components and all joints move at once. Schedule, step sizes and
priors were chosen on one case.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from fit_cases import Case
from fit_metrics import Result
from peers import PeerFit, missing
from scipy.spatial import KDTree

from bodyscan.body.model import BodyModel
from bodyscan.fit.fit_body import POINTS, first_guess
from bodyscan.fit.options import FitOptions
from bodyscan.fit.scan_points import draw_scan_points
from bodyscan.fit.start import seen_area_weights
from bodyscan.types import F64

try:
    import torch
except ImportError:
    missing("torch")

SCAN_POINTS = 12_000
STAGES = ((0.040, 80, 1.0), (0.015, 80, 0.6), (0.006, 100, 0.3), (0.003, 100, 0.1))
"""Kernel in metres, steps, factor on the step sizes."""
RATES = {"betas": 0.15, "pose": 0.02, "translation": 0.006}
POINT_SHARE = 0.1
SHAPE_PRIOR, POSE_PRIOR = 2e-9, 2e-5
"""Square metres for a squared standard deviation of shape, and a squared radian away from the first guess."""


@dataclass(frozen=True, eq=False)
class TorchBody:
    """Our packaged model as tensors: template, shape, joints, skinning weights (float32)."""

    template: torch.Tensor
    dirs: torch.Tensor
    joint_template: torch.Tensor
    joint_dirs: torch.Tensor
    weights: torch.Tensor
    parents: tuple[int, ...]

    @classmethod
    def of(cls, model: BodyModel) -> TorchBody:
        def tensor(array) -> torch.Tensor:
            return torch.tensor(np.asarray(array), dtype=torch.float32)

        count = model.num_components
        return cls(
            tensor(model.template), tensor(model.shape_dirs).reshape(count, -1), tensor(model.joint_template),
            tensor(model.joint_dirs).reshape(count, -1), tensor(model.skin_weights.toarray()),
            tuple(int(parent) for parent in model.parents),
        )  # fmt: skip

    def pose(self, betas: torch.Tensor, pose: torch.Tensor, translation: torch.Tensor):
        """(S,), (J, 3), (3,) -> vertices (V, 3), joints (J, 3)."""
        rest = self.template + (betas @ self.dirs).reshape(-1, 3)
        joints = self.joint_template + (betas @ self.joint_dirs).reshape(-1, 3)
        local = rotation_matrices(pose)
        turned, placed = [local[0]], [joints[0] + translation]
        for j, parent in list(enumerate(self.parents))[1:]:
            turned.append(turned[parent] @ local[j])
            placed.append(turned[parent] @ (joints[j] - joints[parent]) + placed[parent])
        turns, places = torch.stack(turned), torch.stack(placed)
        shifts = places - (turns @ joints[:, :, None])[:, :, 0]
        blended = (self.weights @ torch.cat([turns, shifts[:, :, None]], 2).reshape(-1, 12)).reshape(-1, 3, 4)
        return (blended[:, :, :3] @ rest[:, :, None])[:, :, 0] + blended[:, :, 3], places


def rotation_matrices(rotvec: torch.Tensor) -> torch.Tensor:
    """(J, 3) -> (J, 3, 3), by Rodrigues' formula."""
    angle = torch.sqrt((rotvec**2).sum(dim=1) + 1e-12)
    x, y, z = (rotvec / angle[:, None]).T
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], 1).reshape(-1, 3, 3)
    sine, cosine = torch.sin(angle)[:, None, None], torch.cos(angle)[:, None, None]
    return torch.eye(3) + sine * cross + (1 - cosine) * (cross @ cross)


def fit(case: Case, result: Result) -> PeerFit:
    options = FitOptions()
    points = draw_scan_points(result.scan, POINTS, options.seed)
    start = first_guess(result.scan, points, options)
    model, params = start.problem.model, start.params
    body = TorchBody.of(model)
    scan = draw_scan_points(result.scan, SCAN_POINTS, 0)
    tree = KDTree(scan.points)
    area = seen_area_weights(model)
    seen = np.flatnonzero(area > 0)
    share = torch.tensor(area[seen] / area[seen].sum(), dtype=torch.float32)
    points, normals = (torch.tensor(each, dtype=torch.float32) for each in (scan.points, scan.normals))
    trust = torch.tensor(scan.confidence / scan.confidence.sum(), dtype=torch.float32)
    betas = torch.tensor(params.betas, dtype=torch.float32, requires_grad=True)
    pose = torch.tensor(params.pose_rotvec, dtype=torch.float32, requires_grad=True)
    translation = torch.tensor(params.translation, dtype=torch.float32, requires_grad=True)
    first = pose.detach().clone()
    for sigma, steps, factor in STAGES:
        rates = [(betas, "betas"), (pose, "pose"), (translation, "translation")]
        groups = [{"params": [value], "lr": factor * RATES[name]} for value, name in rates]
        optimizer = torch.optim.Adam(groups)
        for _ in range(steps):
            optimizer.zero_grad()
            vertices = body.pose(betas, pose, translation)[0][seen]
            at = vertices.detach().numpy()
            there = torch.from_numpy(tree.query(at)[1])
            back = torch.from_numpy(KDTree(at).query(scan.points)[1])
            loss = robust(vertices - points[there], normals[there], share, sigma)
            loss = loss + robust(vertices[back] - points, normals, trust, sigma)
            loss = loss + SHAPE_PRIOR * (betas**2).sum() + POSE_PRIOR * ((pose - first) ** 2).sum()
            loss.backward()
            optimizer.step()
    with torch.no_grad():
        vertices, joints = body.pose(betas, pose, translation)
    return PeerFit(_float64(vertices), _float64(joints), in_truth=False)


def robust(apart: torch.Tensor, normals: torch.Tensor, weights: torch.Tensor, sigma: float) -> torch.Tensor:
    """Weighted mean of the robust squared distance, square metres."""
    along = (apart * normals).sum(dim=1) ** 2
    squared = along + POINT_SHARE * (apart**2).sum(dim=1)
    return (weights * squared * sigma**2 / (squared + sigma**2)).sum()


def _float64(tensor: torch.Tensor) -> F64:
    return tensor.numpy().astype(np.float64)
