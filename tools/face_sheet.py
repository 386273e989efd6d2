"""Draws every face shape of a twin on one sheet, close up, so that an eye can judge each.

python tools/face_sheet.py TWIN.glb SHEET.png [--view three_quarter] [--only jawOpen,viseme_PP] [--size 300]
python tools/face_sheet.py woman.obj SHEET.png          a packaged sample: scan, fit, twin and sheet

Eyes, irises, teeth, tongue and the inside of the mouth are painted in their own colours, so that a lid that
cuts an eyeball or a lip that cuts a tooth shows. The picture carries the visible label of a twin.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from scipy import sparse

from bodyscan.body.asset import load_body_model
from bodyscan.body.model import BodyModel
from bodyscan.capture import read_scan
from bodyscan.cli.twin_file import check_twin
from bodyscan.consent import Purpose, Use, require_consent
from bodyscan.consent.verify import record_or_raise
from bodyscan.errors import InputError
from bodyscan.gltf.read import GlbBody, read_glb
from bodyscan.gltf.write import twin_to_glb
from bodyscan.mark import LabelOptions, save_marked
from bodyscan.mark.twin_id import mark_under
from bodyscan.pipeline import SOFTWARE, scan_to_twin
from bodyscan.render import Panel, RenderOptions, SheetOptions, contact_sheet, person_view, render_mesh
from bodyscan.run.keys import controller_key
from bodyscan.types import F64, U8, Mesh, Morph

ROOT = Path(__file__).resolve().parent.parent
COLUMNS = 8
SKIN, WHITE, IRIS, PUPIL = (214, 180, 160), (238, 236, 232), (86, 110, 120), (18, 18, 20)
TOOTH, TONGUE, INSIDE, LIP = (240, 232, 214), (205, 105, 110), (120, 52, 56), (186, 118, 112)
IRIS_RAD, PUPIL_RAD = 0.43, 0.17
"""Half the angle that iris and pupil take of an eyeball of 12 mm radius."""
FRONT_M = 0.045
"""Faces lower than this under the chin are left out, metres on the mean body."""
OPTIONS = RenderOptions(ground=False, occlusion_rays=12, shadow_rays=4, edge_samples=2)


class PaintedHead:
    """The head of the body's topology, with finer eyeballs, painted by its parts."""

    def __init__(self, model: BodyModel) -> None:
        template = model.template.astype(np.float64)
        loose = model.region("teeth", "tongue", "left_eye", "right_eye")
        mouth = template[model.region("teeth")].mean(axis=0)
        head = (model.region("head", "neck") & (template[:, 1] > mouth[1] - 0.045 - FRONT_M)) | loose
        faces = model.faces[head[model.faces].all(axis=1)]
        colors = np.tile(np.array(SKIN, np.float64), (model.num_vertices, 1))
        colors[model.inner] = INSIDE
        colors[model.region("teeth")] = TOOTH
        colors[model.region("tongue")] = TONGUE
        eyes = model.region("left_eye", "right_eye")
        colors[eyes] = WHITE
        weights = sparse.csr_matrix(sparse.identity(model.num_vertices))
        ball = eyes[faces].all(axis=1)
        body, fine = faces[~ball], faces[ball]
        for _ in range(3):
            weights, fine = _halved(weights, fine)
        places = weights @ template
        out = weights @ colors
        for side in ("left", "right"):
            mask = np.asarray(weights @ model.region(f"{side}_eye").astype(np.float64)) > 0.99
            centre = template[model.region(f"{side}_eye")]
            centre = (centre.min(axis=0) + centre.max(axis=0)) / 2
            ray = places[mask] - centre
            angle = np.arccos(np.clip(ray[:, 2] / np.linalg.norm(ray, axis=1), -1, 1))
            painted = np.where((angle < IRIS_RAD)[:, None], IRIS, WHITE)
            out[mask] = np.where((angle < PUPIL_RAD)[:, None], PUPIL, painted)
        self.weights = weights
        painted = np.concatenate([body, fine]).astype(np.int32)
        used = np.unique(painted)
        self._used, place = used, np.zeros(len(out), np.int32)
        place[used] = np.arange(len(used))
        self._faces = place[painted]
        self._colors: U8 = np.clip(np.round(out[used]), 0, 255).astype(np.uint8)

    def mesh(self, vertices: F64) -> Mesh:
        """(V, 3) on the body's topology -> the painted head."""
        moved = (self.weights @ vertices)[self._used]
        return Mesh(moved, self._faces, colors=self._colors)


def _halved(weights: sparse.csr_matrix, faces: np.ndarray) -> tuple[sparse.csr_matrix, np.ndarray]:
    """Every face in four, new vertices half way; `weights` (N, V) grows with them."""
    edges = np.sort(faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    unique, which = np.unique(edges, axis=0, return_inverse=True)
    middle = 0.5 * (weights[unique[:, 0]] + weights[unique[:, 1]])
    ab, bc, ca = (which.reshape(-1, 3) + weights.get_shape()[0]).T
    a, b, c = faces.T
    finer = np.concatenate(
        [np.stack(f, axis=1) for f in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))]
    )
    return sparse.csr_matrix(sparse.vstack([weights, middle])), finer


def face_sheet(
    model: BodyModel,
    surface: F64,
    expressions: Sequence[tuple[str, Sequence[Morph]]],
    *,
    view: str = "front",
    size: int = 300,
    turn: F64 | None = None,
) -> U8:
    """One picture (H, W, 3) uint8 of the face at rest and in each of `expressions` (name, morphs at 1).

    `surface` (V, 3) metres and the morphs on the body's topology, the person facing +Z.
    """
    head = PaintedHead(model)
    moved = np.zeros(model.num_vertices, bool)
    for ids in model.expression_ids.values():
        moved[ids] = True
    points = surface[model.region("head") & moved & ~model.inner & (model.template[:, 2] > 0.09)]
    chin = points[points[:, 1].argmin()] - [0, 0.018, 0]  # room for an open jaw
    camera = person_view(
        np.vstack([points, chin]), view, width=size, height=round(1.12 * size), fill=0.97, elevation=0.0
    )
    panels = []
    for name, morphs in [("at rest", []), *expressions]:
        vertices = surface.copy()
        for morph in morphs:
            vertices[morph.vertex_ids] += morph.deltas
        panels.append(Panel(render_mesh(head.mesh(vertices), camera, OPTIONS), name))
    return contact_sheet(panels, SheetOptions(columns=COLUMNS, gap=4))


def on_body(model: BodyModel, twin: GlbBody) -> tuple[F64, tuple[Morph, ...]]:
    """Surface (V, 3) and morphs of a twin's file, back on the body's topology."""
    source = twin.vertex_source
    if source is None or source.max() >= model.num_vertices or not twin.morphs:
        raise InputError(
            "The twin has no face shapes on the body's topology; make it with --surface body or skin."
        )
    surface = np.array(model.template, np.float64)
    surface[source] = twin.positions
    morphs = []
    for morph in twin.morphs:
        dense = np.zeros((model.num_vertices, 3), np.float32)
        dense[source[morph.vertex_ids]] = morph.deltas
        ids = np.flatnonzero(dense.any(axis=1)).astype(np.int32)
        morphs.append(Morph(morph.name, ids, dense[ids]))
    return surface, tuple(morphs)


def _of_sample(path: Path) -> bytes:
    consent = path.with_name(f"{path.stem}.consent.json").read_text(encoding="utf-8")
    use, now = Use(Purpose.MAKE_TWIN), datetime.now(UTC)
    require_consent(consent, use=use, now=now)
    key = controller_key(consent, path.parent, None, None, now)
    result = scan_to_twin(read_scan(path), consent=consent, controller_key=key, use=use, now=now)
    return twin_to_glb(result.twin)


def main() -> None:
    """Read the command line, draw the sheet and write it with its label."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("twin", help="a twin's .glb, or the file name of a packaged sample")
    parser.add_argument("sheet", type=Path, help="the .png to write")
    parser.add_argument("--view", default="front", help="front, three_quarter, left ...")
    parser.add_argument("--only", default="", help="names of shapes, comma between")
    parser.add_argument("--size", type=int, default=300, help="width of a face, pixels")
    given = parser.parse_args()
    sample = ROOT / "sample_scans" / given.twin
    is_sample = Path(given.twin).name == given.twin and sample.is_file()
    data = _of_sample(sample) if is_sample else Path(given.twin).read_bytes()
    twin = read_glb(data)
    use, now = Use(Purpose.MAKE_TWIN), datetime.now(UTC)
    text, _, status = check_twin(data, use, now)
    record_or_raise(status)
    child = twin.provenance is not None and "(child)" in twin.provenance.body_model
    model = load_body_model("child" if child else "adult")
    surface, morphs = on_body(model, twin)
    wanted = [name for name in given.only.split(",") if name] or [morph.name for morph in morphs]
    known = {morph.name: morph for morph in morphs}
    if unknown := [name for name in wanted if name not in known]:
        raise InputError(f"The twin has no shape {unknown[0]!r}. It has: {', '.join(known)}.")
    sheet = face_sheet(
        model, surface, [(name, [known[name]]) for name in wanted], view=given.view, size=given.size
    )
    mark = mark_under(text or "", str(use.purpose), SOFTWARE)
    save_marked(sheet, given.sheet, mark, label=LabelOptions(corner="bottom-right", relative_size=0.012))
    print(given.sheet)


if __name__ == "__main__":
    main()
