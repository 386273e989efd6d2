"""How well lids and lips of a twin's face shapes meet, and what the shapes cost.

python benchmarks/face.py [--samples] [--people 10]     a table on standard output, millimetres

For each person (made ones with bumps in the skin; with --samples the packaged scans, fitted): gap and
overlap of the lids at a blink, smallest distance of the closed lids' skin to the eyeball, gap and overlap
of the lips at rest and at jawOpen with mouthClose, deepest place of the lips behind the teeth over all
shapes but mouthClose, faces that a shape turns over and the model's own does not; each for shapes that are
only carried over (`before`) and for those with contacts solved (`after`). CPU seconds of one core are those
of `face_shapes`.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from bodyscan.body.asset import load_body_model
from bodyscan.body.model import BodyModel
from bodyscan.body.poses import standard_pose
from bodyscan.geometry.normals import area_vectors, vertex_normals
from bodyscan.twin.close_lips import close_lips
from bodyscan.twin.eyeballs import eyeball
from bodyscan.twin.face_rings import SIDES, face_rings
from bodyscan.twin.face_shapes import face_shapes, transferred_shapes, with_contacts
from bodyscan.twin.lids import Lids
from bodyscan.twin.lips import Mouth
from bodyscan.types import F64, BodyParams

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ("woman.obj", "man.ply", "child.glb", "heavy.ply", "thin.stl")
BUMP_M = 0.002
COLUMNS = (
    "lids gap", "lids over", "lids skin", "seal gap", "seal over", "in teeth", "flips",
)  # fmt: skip


def made_person(model: BodyModel, seed: int) -> tuple[BodyParams, F64, F64]:
    """Parameters, bind pose (J, 3, 4) and surface (V, 3) of a person with a strong face and bumps."""
    rng = np.random.default_rng(seed)
    betas = np.zeros(model.num_components)
    betas[:40] = 0.8 * rng.normal(size=40)
    betas[model.num_body_components :] = rng.normal(size=model.num_components - model.num_body_components)
    params = BodyParams(betas, standard_pose(model, betas, "a"), np.zeros(3))
    posed = model.pose(params)
    waves = 2 * np.pi / rng.uniform(0.04, 0.2, 8)
    axes = rng.normal(size=(8, 3))
    axes *= (waves / np.linalg.norm(axes, axis=1))[:, None]
    height = np.sin(posed.vertices @ axes.T + rng.uniform(0, 6, 8)).sum(axis=1) * BUMP_M / 8
    height[model.inner | model.region("left_eye", "right_eye", "teeth", "tongue")] = 0
    surface = posed.vertices + height[:, None] * vertex_normals(posed.vertices, model.faces)
    return params, posed.world_from_rest, surface


def sample_person(name: str) -> tuple[BodyModel, BodyParams, F64, F64]:
    """A packaged sample, fitted, in its bind pose."""
    from bodyscan.capture import read_scan
    from bodyscan.fit import fit_body
    from bodyscan.pipeline import model_of
    from bodyscan.reconstruct import reconstruct_scan
    from bodyscan.rig.bind import bind_pose

    fit = fit_body(reconstruct_scan(read_scan(ROOT / "sample_scans" / name)))
    model = model_of(fit)
    bind = bind_pose(model, fit)
    return model, fit.params, bind.world_from_rest, bind.surface


def measures(model: BodyModel, person: F64, shapes: dict[str, F64]) -> list[float]:
    """The numbers of `COLUMNS` for shapes of the unposed `person` (V, 3)."""
    rings = face_rings(model)
    gaps, overs, skins = [], [], []
    for side in SIDES:
        lids = Lids(person, model.faces, rings.eyes[side], eyeball(model, person, side), model.inner)
        blink = shapes[f"eyeBlink{side.capitalize()}"]
        gap, over = lids.gap_and_overlap(blink)
        gaps.append(gap)
        overs.append(over)
        skins.append(float(lids.ball.clearance((person + blink)[lids.skin]).min()))
    mouth = Mouth(person, model.faces, rings)
    seal = mouth.contact(person + shapes["jawOpen"] + shapes["mouthClose"])
    teeth = max(mouth.depth_in_teeth(shape) for name, shape in shapes.items() if name != "mouthClose")
    lengths = (max(gaps), max(overs), min(skins), seal.gap_m, seal.overlap_m, teeth)
    return [*(1e3 * length for length in lengths), float(flips(model, person, shapes))]


def flips(model: BodyModel, person: F64, shapes: dict[str, F64]) -> int:
    """Seen faces that a shape turns by more than 90 degrees where the model's own turns them less than 70."""
    count = 0
    seen = model.faces[~model.inner[model.faces].any(axis=1)]
    mean = model.template.astype(np.float64)
    for name, shape in shapes.items():
        own = mean.copy()
        own[model.expression_ids[name]] += model.expression_deltas[name]
        cosines = [_cosine(area_vectors(a, seen), area_vectors(b, seen))
                   for a, b in ((person, person + shape), (mean, own))]  # fmt: skip
        count += int(((cosines[0] < 0) & (cosines[1] > 0.34)).sum())
    return count


def _cosine(a: F64, b: F64) -> F64:
    length = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return np.einsum("fc,fc->f", a, b) / np.maximum(length, 1e-20)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--people", type=int, default=10)
    parser.add_argument("--samples", action="store_true")
    given = parser.parse_args()
    adult = load_body_model("adult")
    people = [(f"made {k}", lambda k=k: (adult, *made_person(adult, k))) for k in range(given.people)]
    if given.samples:
        people += [(name, lambda name=name: sample_person(name)) for name in SAMPLES]
    print("person", "rest gap", "rest over", *(f"{c} {w}" for c in COLUMNS for w in ("before", "after")),
          "cpu s", sep=",")  # fmt: skip
    for name, make in people:
        model, params, world, surface = make()
        surface, lips = close_lips(model, surface, world)
        start = time.process_time()
        face_shapes(model, params, world, surface)
        seconds = time.process_time() - start
        person = model.unskin(surface, world)
        carried = transferred_shapes(model, person)
        before = measures(model, person, carried)
        after = measures(model, person, with_contacts(model, person, carried))
        rest = [
            f"{lips.gap_mm:.2f}>{lips.gap_after_mm:.2f}",
            f"{lips.overlap_mm:.2f}>{lips.overlap_after_mm:.2f}",
        ]
        pairs = [f"{x:.2f}" for pair in zip(before, after, strict=True) for x in pair]
        print(name, *rest, *pairs, f"{seconds:.2f}", sep=",", flush=True)


if __name__ == "__main__":
    main()
