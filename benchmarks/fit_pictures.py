"""Pictures of a fit: scan, parametric body, surface, and the distance to the truth."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from fit_cases import Case
from fit_metrics import Result, Row, outer_faces
from PIL import Image

from bodyscan.body.model import BodyModel
from bodyscan.geometry.raycast import Raycaster
from bodyscan.pipeline import model_of
from bodyscan.render import RenderOptions, person_view, render_mesh
from bodyscan.render.heatmap import ColorScale, heat_colors
from bodyscan.types import BodyFit, Mesh, ScanMesh

SCALE_MM = 15.0
QUICK = RenderOptions(occlusion_rays=6, shadow_rays=2, edge_samples=2)


class Pictures:
    """Pictures of adults' cases, of all or of the `worst` so many by surface error. None of children."""

    def __init__(self, folder: Path | None, worst: int) -> None:
        self._folder, self._worst = folder, worst
        self._kept: list[tuple[float, Case, Result]] = []

    def take(self, row: Row, case: Case, result: Result) -> None:
        """Save the case's picture, or keep the case in mind until `save`."""
        if self._folder is None or case.person.age != "adult":
            return
        if not self._worst:
            self._save(case, result)
            return
        error = float(str(row["surface_mm"])) + 1e3 * float(str(row["failed"]))
        self._kept = sorted([*self._kept, (error, case, result)], key=lambda kept: -kept[0])[: self._worst]

    def save(self) -> None:
        for _, case, result in self._kept:
            self._save(case, result)
        self._kept = []

    def _save(self, case: Case, result: Result) -> None:
        plan, back = case.plan, np.linalg.inv(result.truth_from_scan)
        truth = case.truth.outer @ back[:3, :3].T + back[:3, 3]
        clothed = plan.condition in ("tight", "loose")
        name = f"{plan.number:02d}_{plan.condition}_{plan.pose}_{len(case.scan.faces)}.png"
        assert self._folder is not None
        save_pictures(
            self._folder / name,
            result.scan,
            result.fit,
            truth,
            outer_faces(case.person.model),
            result.fit.skin if clothed else None,
        )


def save_pictures(
    path: Path,
    scan: ScanMesh,
    fit: BodyFit,
    truth: np.ndarray | None,
    outside: np.ndarray,
    skin: Mesh | None = None,
) -> None:
    """Front and back, then head, hands and feet. `truth` (V, 3): the true surface in the scan's frame.

    First row: the scan, the parametric body (or `skin`, the body as estimated under clothes, where it is
    given), the surface, and the surface coloured by its distance to the truth (to the scan where there is
    none), -15 (inside, blue) to 15 mm.
    """
    model = model_of(fit)
    under = fit.body if skin is None else skin
    body, surface = Mesh(under.vertices, outside), Mesh(fit.surface.vertices, outside)
    colored = replace(surface, colors=_heat(surface, scan, truth, outside))
    top = [
        _picture(mesh, scan.mesh.vertices, name)
        for mesh in (scan.mesh, body, surface, colored)
        for name in ("front", "back")
    ]
    near = [
        _picture(mesh, _around(model, fit, *regions), name)
        for regions, name in ((("head",), "three_quarter"), (("left_hand",), "front"),
                              (("right_hand",), "front"), (("left_foot", "right_foot"), "three_quarter"))
        for mesh in (scan.mesh, surface)
    ]  # fmt: skip
    Image.fromarray(np.vstack([np.hstack(top), np.hstack(near)])).save(path)


def _heat(surface: Mesh, scan: ScanMesh, truth: np.ndarray | None, outside: np.ndarray) -> np.ndarray:
    target = Mesh(truth, outside) if truth is not None else scan.mesh
    distance, face, nearest = Raycaster(target).closest(surface.vertices)
    corners = target.vertices[target.faces[face]]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    side = np.sign(np.einsum("nc,nc->n", surface.vertices - nearest, normal))
    scale = ColorScale(-SCALE_MM, SCALE_MM, "mm", "fit to truth", "diverging")
    return heat_colors(1e3 * distance * side, scale)


def _around(model: BodyModel, fit: BodyFit, *regions: str) -> np.ndarray:
    return fit.surface.vertices[model.region(*regions)]


def _picture(mesh: Mesh, points: np.ndarray, name: str) -> np.ndarray:
    return render_mesh(mesh, person_view(points, name, width=300, height=460), QUICK)
