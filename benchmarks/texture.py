"""How true a twin's texture is to the scan, and what it costs, for every skin tone.

    python benchmarks/texture.py --faces 100000 --faces 1000000 [--tones 1,5,10] [--pictures DIR] [--record]

Simulated people of known tone are scanned; their true outer surface stands for the fit, so that the texture
alone is measured. Random points of the scan are looked up the other way round: to the closest point of the
surface, from there into the albedo. A point counts where both surfaces are within 5 mm and face the same way.
"""

from __future__ import annotations

import argparse
import csv
import os
import resource
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from delta_e import delta_e_2000
from fit_record import git_revision
from PIL import Image

from bodyscan import __version__
from bodyscan.body.asset import load_body_model
from bodyscan.body.hidden_parts import hidden_vertices
from bodyscan.geometry.barycentric import barycentric_shares
from bodyscan.geometry.image_lookup import sample_image
from bodyscan.geometry.normals import areas_and_normals
from bodyscan.geometry.raycast import Raycaster
from bodyscan.geometry.sampling import sample_surface
from bodyscan.geometry.srgb import srgb_from_linear
from bodyscan.geometry.surface_color import surface_light
from bodyscan.simulate.options import RawScanOptions
from bodyscan.simulate.raw import simulate_raw_scan
from bodyscan.texture import TextureOptions, bake_textures
from bodyscan.types import Mesh, ScanMesh, SkinTextures

RESULTS = Path(__file__).parent / "results" / "texture.csv"
MODEL = load_body_model("adult")
POINTS = 200_000


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--faces", type=int, action="append")
    parser.add_argument("--tones", default="1,2,3,4,5,6,7,8,9,10")
    parser.add_argument("--size", type=int, default=2048)
    parser.add_argument("--noise-mm", type=float, default=0.3)
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--record", action="store_true", help="append to results/texture.csv")
    given = parser.parse_args()
    for faces in given.faces or [100_000]:
        for tone in map(int, given.tones.split(",")):
            row, textures, vertices = measured(tone, faces, given.size, given.noise_mm)
            print(row, flush=True)
            if given.record:
                _append(row)
            if given.pictures:
                _draw(given.pictures, f"tone{tone:02d}_{faces}", textures, vertices)


def measured(tone: int, faces: int, size: int, noise_mm: float) -> tuple[dict, SkinTextures, np.ndarray]:
    """One person: the row, the textures and the surface."""
    options = RawScanOptions(
        seed=tone, skin_tone=tone, target_faces=faces, noise_mm=noise_mm, clothing="briefs", hair="bald"
    )
    simulated = simulate_raw_scan(options)
    mesh, vertices = simulated.world_mesh(), simulated.truth.outer
    scan = ScanMesh(mesh, np.ones(len(mesh.vertices), np.float32))
    start = time.perf_counter(), time.process_time()
    textures = bake_textures(MODEL, vertices, scan, TextureOptions(size=size), noise_mm=noise_mm)
    wall, cpu = time.perf_counter() - start[0], time.process_time() - start[1]
    error = differences(mesh, vertices, textures)
    row = {
        "date": datetime.now(UTC).date().isoformat(),
        "revision": git_revision(),
        "version": __version__,
        "faces": len(mesh.faces),
        "size": size,
        "tone": tone,
        "noise_mm": noise_mm,
        "delta_e_mean": round(float(error.mean()), 3),
        "delta_e_p95": round(float(np.percentile(error, 95)), 3),
        "seen_share": round(textures.seen_share, 4),
        "normal_map": textures.normal is not None,
        "wall_s": round(wall, 2),
        "cpu_s": round(cpu, 2),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "cores": os.cpu_count(),
    }
    return row, textures, vertices


def differences(mesh: Mesh, vertices: np.ndarray, textures: SkinTextures) -> np.ndarray:
    """(N,) CIEDE2000 between scan points and the texture at the closest points of the surface."""
    points, ids, shares = sample_surface(mesh.vertices, mesh.faces, POINTS)
    own = srgb_from_linear(surface_light(mesh, None, ids.astype(np.int32), shares))
    visible = ~hidden_vertices(MODEL)[MODEL.faces].any(axis=1)
    chosen = np.flatnonzero(visible)
    surface = Mesh(vertices, MODEL.faces[visible])
    distance, face, nearest = Raycaster(surface).closest(points)
    face = chosen[face]
    facing = np.einsum(
        "nc,nc->n",
        areas_and_normals(mesh.vertices, mesh.faces)[1][ids],
        areas_and_normals(vertices, MODEL.faces)[1][face],
    )
    near = (distance < 0.005) & (facing > 0.5) & ~_eye_zone()[face]
    corners = MODEL.split_uvs[MODEL.split_faces[face[near]]]
    weights = barycentric_shares(nearest[near], vertices[MODEL.faces[face[near]]])
    uvs = np.einsum("nk,nkc->nc", weights, corners)
    return delta_e_2000(own[near], sample_image(textures.albedo, uvs))


def _eye_zone() -> np.ndarray:
    """(F,) faces within 8 mm of an eyeball: there lids are kept free of the eye's colours on purpose."""
    zone = np.zeros(len(MODEL.faces), bool)
    for side in ("left_eye", "right_eye"):
        ball = MODEL.template[MODEL.region(side)]
        away = np.linalg.norm(MODEL.template - (ball.max(axis=0) + ball.min(axis=0)) / 2, axis=1)
        zone |= (away < np.ptp(ball[:, 0]) / 2 + 0.008)[MODEL.faces].any(axis=1)
    return zone


def _append(row: dict) -> None:
    new = not RESULTS.exists()
    with RESULTS.open("a", newline="") as file:
        writer = csv.DictWriter(file, list(row), lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(row)


def _draw(folder: Path, name: str, textures: SkinTextures, vertices: np.ndarray) -> None:
    from bodyscan.render.cameras import person_view
    from bodyscan.render.options import RenderOptions
    from bodyscan.render.picture import render_mesh

    folder.mkdir(parents=True, exist_ok=True)
    twin = Mesh(vertices[MODEL.split_source], MODEL.split_faces, uvs=MODEL.split_uvs)
    head = vertices[MODEL.region("head") & ~MODEL.inner]
    views = [
        person_view(vertices, "front", width=600, height=800),
        person_view(head, "front", width=600, height=800),
    ]
    options = RenderOptions(occlusion_rays=8, shadow_rays=4, edge_samples=2)
    pictures = [render_mesh(twin, view, options, texture=textures) for view in views]
    Image.fromarray(np.concatenate(pictures, axis=1)).save(folder / f"{name}.png")
    Image.fromarray(textures.albedo).save(folder / f"{name}_albedo.png")
    if textures.normal is not None:
        Image.fromarray(textures.normal).save(folder / f"{name}_normal.png")


if __name__ == "__main__":
    main()
