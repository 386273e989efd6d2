"""Pictures of dressed people, labelled as synthetic."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from body_folder import BodyFolder

from bodyscan.body.asset import load_body_model
from bodyscan.mark.label import LabelOptions, draw_label
from bodyscan.mark.save import save_marked
from bodyscan.render import RenderOptions, person_view, render_mesh
from bodyscan.types import Mesh

SKIN, EYE, IRIS = (206, 172, 152), (236, 233, 228), (74, 56, 44)
IRIS_M = 0.0062
"""Radius of the iris."""
CLOTHS = ((92, 122, 168), (150, 78, 84))
PANEL_PX = (560, 680)
VIEWS = ("three_quarter", "back")
SHOWN_FROM = 0.40
"""Share of the height below which the picture is cut off."""


def dressed(body: BodyFolder, cloth: np.ndarray, triangles: np.ndarray, color: tuple[int, int, int]) -> Mesh:
    """One mesh with colours. Eyes and teeth come from the body model: the folder keeps their vertices."""
    model = load_body_model("adult")
    colors = np.tile(SKIN, (len(body.vertices), 1))
    for side in ("left", "right"):
        eye = np.flatnonzero(model.region(f"{side}_eye"))
        colors[eye] = EYE
        front = eye[body.vertices[eye, 2].argmax()]
        colors[eye[np.linalg.norm(body.vertices[eye] - body.vertices[front], axis=1) < IRIS_M]] = IRIS
    return Mesh(
        np.concatenate([body.vertices, cloth]),
        np.concatenate([model.faces, triangles + len(body.vertices)]).astype(np.int32),
        colors=np.concatenate([colors, np.tile(color, (len(cloth), 1))]).astype(np.uint8),
    )


def save_pictures(folder: Path, people: list[tuple[BodyFolder, Mesh]]) -> Path:
    """One row a person's views beside each other, each with the label of that person's consent."""
    rows = []
    for number, (body, mesh) in enumerate(people):
        shown = mesh.vertices[mesh.vertices[:, 1] > SHOWN_FROM * body.vertices[:, 1].max()]
        panels = [
            render_mesh(
                mesh, person_view(shown, view, width=PANEL_PX[0], height=PANEL_PX[1]), RenderOptions()
            )
            for view in VIEWS
        ]
        row = np.concatenate(panels, axis=1)
        save_marked(row, folder / f"{body.name}.png", body.mark)
        # The saving below labels the first person, at the bottom left of the whole.
        rows.append(draw_label(row, body.mark, LabelOptions("bottom-right")) if number else row)
    return save_marked(
        np.concatenate(rows, axis=1),
        folder / "drape.png",
        people[0][0].mark,
        label=LabelOptions(relative_size=0.024),
    )
