"""The packaged sample scans, from the file to the fitted body, against the truth beside them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bodyscan.body.asset import load_body_model
from bodyscan.capture.read import read_scan
from bodyscan.fit import fit_body
from bodyscan.geometry.raycast import Raycaster
from bodyscan.reconstruct import reconstruct_scan
from bodyscan.types import BodyFit, ScanMesh
from fit.people import visible_mesh

FOLDER = Path(__file__).resolve().parents[2] / "sample_scans"
FILES = sorted(
    path
    for path in FOLDER.glob("*.*")
    if path.suffix in (".ply", ".obj", ".stl", ".glb") and (FOLDER / f"{path.stem}.truth.npz").exists()
)
SURFACE_MM, JOINTS_MM = 1.5, 12.0
HAIR = 2


def errors_mm(path: Path, scan: ScanMesh, fit: BodyFit) -> tuple[float, float]:
    """Mean distance of the true visible surface (hair left out) to the fitted one, and of the joints, mm."""
    with np.load(path.with_name(f"{path.stem}.truth.npz"), allow_pickle=False) as truth:
        outer, joints, cover = truth["outer"].astype(np.float64), truth["joints"], truth["cover"]
        world_from_input, info = truth["world_from_input"], json.loads(str(truth["info"]))
    model = load_body_model("child" if info["model"].endswith("(child)") else "adult")
    to_truth = world_from_input @ np.linalg.inv(scan.world_from_input)

    def moved(points: np.ndarray) -> np.ndarray:
        return points @ to_truth[:3, :3].T + to_truth[:3, 3]

    surface = Raycaster(visible_mesh(model, moved(fit.surface.vertices)))
    judged = ~model.inner & (cover != HAIR)
    gap = surface.closest(outer[judged])[0].mean()
    return 1e3 * float(gap), 1e3 * float(
        np.linalg.norm(moved(fit.skeleton.positions) - joints, axis=1).mean()
    )


def test_there_are_samples_with_truth() -> None:
    assert len(FILES) >= 5


@pytest.mark.slow
@pytest.mark.parametrize(
    "path",
    [pytest.param(path, marks=[] if path.stem in ("woman", "child") else pytest.mark.long) for path in FILES],
    ids=lambda path: path.stem,
)
def test_the_fit_of_a_sample_is_close_to_its_truth(path: Path) -> None:
    scan = reconstruct_scan(read_scan(path))
    fit = fit_body(scan)
    assert fit.quality.acceptable, fit.quality.reasons
    surface, joints = errors_mm(path, scan, fit)
    print(f"{path.stem}: surface {surface:.2f} mm, joints {joints:.2f} mm, {fit.notes}")
    assert surface < SURFACE_MM
    assert joints < JOINTS_MM
