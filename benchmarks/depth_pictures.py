"""Pictures of a reconstruction: shaded, in its own colours, its distance to the truth, close-ups."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from bodyscan.geometry.raycast import Raycaster
from bodyscan.render import RenderOptions, person_view, render_mesh
from bodyscan.render.heatmap import ColorScale, draw_scale, heat_colors
from bodyscan.types import Mesh

SCALE_MM = 5.0
CLAY = RenderOptions(look="clay", occlusion_rays=6, shadow_rays=2, edge_samples=2)
COLORED = replace(CLAY, look="color")
DATA = replace(CLAY, look="data", occlusion_rays=0, shadow_rays=0)
WIDTH, HEIGHT = 320, 480


def save_pictures(seen: Path, path: Path) -> None:
    """Of a file `<name>_seen.npz` of the measurement: whole body above, head, hands and feet below.

    Above: clay from front, left and back, own colours, distance to the truth from front and back (-5, blue,
    inside, to 5 mm, outside). Below: clay and distance in turn.
    """
    with np.load(seen, allow_pickle=False) as data:
        mesh = Mesh(data["vertices"], data["faces"], colors=data.get("colors"))
        off = data["off_mm"]
        parts = {name: data[name] for name in ("head", "left_hand", "right_hand", "feet")}
    scale = ColorScale(-SCALE_MM, SCALE_MM, "mm", "scan to truth", "diverging", "inside", "outside")
    heat = replace(mesh, colors=heat_colors(off, scale))
    caster, heat_caster = Raycaster(mesh), Raycaster(heat)

    def clay(points: np.ndarray, name: str, options: RenderOptions = CLAY) -> np.ndarray:
        view = person_view(points, name, width=WIDTH, height=HEIGHT)
        return render_mesh(mesh, view, options, caster=caster)

    def error(points: np.ndarray, name: str) -> np.ndarray:
        view = person_view(points, name, width=WIDTH, height=HEIGHT)
        return render_mesh(heat, view, DATA, caster=heat_caster)

    whole = mesh.vertices
    top = [clay(whole, name) for name in ("front", "left", "back")]
    top.append(clay(whole, "front", CLAY if mesh.colors is None else COLORED))
    top += [error(whole, name) for name in ("front", "back")]
    top.append(draw_scale(error(whole, "left"), scale))
    low = [clay(parts["head"], "front"), clay(parts["head"], "left"), error(parts["head"], "three_quarter")]
    low += [clay(parts["left_hand"], "front"), clay(parts["right_hand"], "back")]
    low += [clay(parts["feet"], "three_quarter"), error(parts["feet"], "three_quarter")]
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.vstack([np.hstack(top), np.hstack(low)])).save(path)
