"""A row of pictures for a fit: scan, parametric body, surface, and the distance to the truth."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from bodyscan.body.model import BodyModel
from bodyscan.geometry.raycast import Raycaster
from bodyscan.pipeline import model_of
from bodyscan.render import RenderOptions, person_view, render_mesh
from bodyscan.render.heatmap import ColorScale, heat_colors
from bodyscan.types import BodyFit, Mesh, ScanMesh

SCALE_MM = 15.0
QUICK = RenderOptions(occlusion_rays=6, shadow_rays=2, edge_samples=2)


def save_pictures(
    path: Path, scan: ScanMesh, fit: BodyFit, truth: np.ndarray | None, outside: np.ndarray
) -> None:
    """Front and back, then head, hand and feet. `truth` (V, 3): the true surface in the scan's frame.

    The last pictures of the first row colour the fitted surface by its distance to the truth (to the scan
    where there is none), -15 (inside, blue) to 15 mm.
    """
    model = model_of(fit)
    body, surface = Mesh(fit.body.vertices, outside), Mesh(fit.surface.vertices, outside)
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
