"""How true the colours are that `bodyscan.texture.photos` bakes from photos, and what they cost.

    python benchmarks/photos.py                         24 and 48 photos, alike and with exposure differences
    python benchmarks/photos.py --photos 24 --peer      and Open3D's project_images_to_albedo beside it
    python benchmarks/photos.py --record                append the rows to benchmarks/results/photos.csv

A made person stands in a rig of 800 by 1200 px cameras (noise of 1 in 255, freckles of 3 to 8 mm that no
vertex holds); the surface is the true one on the body's triangles. The baked colours are held against the
true ones at the texels that photos see. Left out of `psnr` and `de2000` are the eyeballs, which are 8 px wide
in these photos, and texels farther than 1.5 mm from the true surface: the steps at the hair's edge, which the
body's triangles cannot follow and where no one colour is true; `psnr_all` holds them. Each bake runs in a
process of its own; `seconds` are a wall clock's, `cpu_s` those of all cores.
"""

from __future__ import annotations

import argparse
import csv
import json
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from fit_record import git_revision

from bodyscan import __version__
from bodyscan.body.asset import load_body_model
from bodyscan.capture.photos import read_photos
from bodyscan.geometry.srgb import linear_from_srgb
from bodyscan.simulate.options import RawScanOptions
from bodyscan.simulate.photo_looks import srgb_from_linear_float
from bodyscan.simulate.photo_options import PhotoRigOptions
from bodyscan.simulate.photos import SimulatedPhoto, camera_gains, photo_scene, take_photos
from bodyscan.simulate.write_photos import write_photos
from bodyscan.texture.photos import bake_photos
from bodyscan.texture.texels import body_texels
from bodyscan.types import Mesh, ScanMesh

RESULTS = Path(__file__).parent / "results" / "photos.csv"
COLUMNS: tuple[str, ...] = (
    "version", "revision", "method", "photos", "size", "exposure_sd", "psnr_db", "psnr_all_db", "de2000",
    "de2000_p95", "seen", "gain_error", "seconds", "cpu_s", "peak_mb",
)  # fmt: skip
PERSON = RawScanOptions(seed=11, sex="female", clothing="sports", hair="short", skin_tone=4)
FARTHEST_M = 0.0015
EXPOSURE_SD, TINT_SD = 0.15, 0.04


def exposed(photos: list[SimulatedPhoto], gains: np.ndarray) -> Iterator[SimulatedPhoto]:
    """The same photos with other exposures (P, 3)."""
    for photo, gain in zip(photos, gains, strict=True):
        srgb = srgb_from_linear_float(linear_from_srgb(photo.image) * gain)
        yield replace(photo, image=np.rint(srgb).astype(np.uint8), gain=gain)


def delta_e_2000(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """CIEDE2000 (N,) of sRGB values 0..255 (N, 3), D65 (Sharma, Wu and Dalal 2005)."""
    (l1, a1, b1), (l2, a2, b2) = (_lab(each).T for each in (first, second))
    mean_c = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    g = 0.5 * (1 - np.sqrt(mean_c**7 / (mean_c**7 + 25.0**7)))
    a1, a2 = (1 + g) * a1, (1 + g) * a2
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = np.degrees(np.arctan2(b1, a1)) % 360, np.degrees(np.arctan2(b2, a2)) % 360
    dh = (h2 - h1 + 180) % 360 - 180
    dh = np.where(c1 * c2 == 0, 0, dh)
    hue = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(dh / 2))
    mean_l, mean_c, mean_h = (l1 + l2) / 2, (c1 + c2) / 2, np.where(c1 * c2 == 0, h1 + h2, h1 + dh / 2)
    t = 1 - 0.17 * np.cos(np.radians(mean_h - 30)) + 0.24 * np.cos(np.radians(2 * mean_h))
    t += 0.32 * np.cos(np.radians(3 * mean_h + 6)) - 0.20 * np.cos(np.radians(4 * mean_h - 63))
    turn = np.radians(60 * np.exp(-((((mean_h % 360) - 275) / 25) ** 2)))
    mix = -2 * np.sqrt(mean_c**7 / (mean_c**7 + 25.0**7)) * np.sin(turn)
    sl = 1 + 0.015 * (mean_l - 50) ** 2 / np.sqrt(20 + (mean_l - 50) ** 2)
    sc, sh = 1 + 0.045 * mean_c, 1 + 0.015 * mean_c * t
    dl, dc, hue = (l2 - l1) / sl, (c2 - c1) / sc, hue / sh
    return np.sqrt(dl**2 + dc**2 + hue**2 + mix * dc * hue)


def _lab(srgb: np.ndarray) -> np.ndarray:
    value = np.asarray(srgb, np.float64) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    matrix = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175],
                       [0.0193339, 0.119192, 0.9503041]])  # fmt: skip
    xyz = linear @ matrix.T / matrix.sum(axis=1)
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)


def bake(method: str, folder: str, size: int, mesh: Mesh, outer: np.ndarray, queue: Any) -> None:
    """Bake in a process of its own; puts colours, weights, gains and costs."""
    model = load_body_model(PERSON.age)
    texels = body_texels(model, size)  # cached from one twin to the next: not counted
    photos = read_photos(folder)
    scan = ScanMesh(mesh, np.ones(len(mesh.vertices), np.float32), photos=photos)
    start, cpu = time.perf_counter(), time.process_time()
    if method == "open3d":
        srgb, weight, gains = open3d_albedo(texels, outer, photos), np.ones(len(texels)), None
    else:
        colors = bake_photos(model, texels, outer, scan)
        srgb, weight, gains = colors.srgb, colors.weight, colors.gains
    costs = {
        "seconds": time.perf_counter() - start,
        "cpu_s": time.process_time() - cpu,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    queue.put((srgb, weight, gains, costs))


def open3d_albedo(texels: Any, outer: np.ndarray, photos: Any) -> np.ndarray:
    """(T, 3) sRGB of Open3D's own projection, defaults but for the size."""
    import open3d as o3d

    model = load_body_model(PERSON.age)
    mesh = o3d.t.geometry.TriangleMesh(outer.astype(np.float32), model.faces.astype(np.int64))
    # Open3D looks images up from the bottom.
    uvs = model.split_uvs[model.split_faces] * [1, -1] + [0, 1]
    mesh.triangle.texture_uvs = o3d.core.Tensor(uvs.astype(np.float32))
    images = [o3d.t.geometry.Image(np.ascontiguousarray(photo.image)) for photo in photos]
    intrinsics = [o3d.core.Tensor(photo.K.astype(np.float64)) for photo in photos]
    extrinsics = [o3d.core.Tensor(photo.camera_from_world.astype(np.float64)) for photo in photos]
    albedo = mesh.project_images_to_albedo(images, intrinsics, extrinsics, texels.size, True)
    pixels = np.asarray(albedo.as_tensor().numpy())[..., :3]
    return pixels.reshape(-1, 3)[texels.index].astype(np.float32)


def measure(
    colors: np.ndarray, truth: np.ndarray, fair: np.ndarray, seen: np.ndarray, visible: np.ndarray
) -> dict:
    """Errors on the texels that were seen; `fair` are those whose true colour is one."""
    both = seen & fair
    difference = delta_e_2000(colors[both], truth[both])
    return {
        "psnr_db": _psnr(colors[both] - truth[both]),
        "psnr_all_db": _psnr(colors[seen & visible] - truth[seen & visible]),
        "de2000": float(difference.mean()),
        "de2000_p95": float(np.percentile(difference, 95)),
        "seen": float(seen[visible].mean()),
    }


def _psnr(error: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.mean(np.square(error, dtype=np.float64))))


def main() -> None:
    """Render, bake, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=int, nargs="+", default=[24, 48])
    parser.add_argument("--size", type=int, default=2048)
    parser.add_argument("--peer", action="store_true", help="Open3D's projection too")
    parser.add_argument("--record", action="store_true")
    asked = parser.parse_args()
    model = load_body_model(PERSON.age)
    texels = body_texels(model, asked.size)
    scene = photo_scene(PERSON)
    outer, mesh = scene.scene.outer, scene.looks.mesh
    points = texels.points(outer).astype(np.float64)
    truth = srgb_from_linear_float(scene.color_at(points))
    corner = model.faces[texels.triangle]
    visible = ~model.inner[corner].all(axis=1)
    fair = visible & (scene.looks.caster.closest(points)[0] < FARTHEST_M)
    fair &= ~model.region("left_eye", "right_eye")[corner].any(axis=1)
    for count in asked.photos:
        rig = PhotoRigOptions(num_cameras=count)
        plain = list(take_photos(scene, rig))
        for spread in (0.0, EXPOSURE_SD):
            gains = camera_gains(replace(rig, exposure_sd=spread, tint_sd=TINT_SD if spread else 0.0))
            with tempfile.TemporaryDirectory() as temporary:
                folder = Path(temporary) / "photos"
                write_photos(exposed(plain, gains) if spread else plain, folder, rig)
                for method in ("bodyscan", "open3d") if asked.peer else ("bodyscan",):
                    srgb, weight, found, costs = apart(method, str(folder), asked.size, mesh, outer)
                    off = float("nan") if found is None else float(np.abs(found / gains - 1).max())
                    row = {
                        "version": __version__, "revision": git_revision(), "method": method, "photos": count,
                        "size": asked.size, "exposure_sd": spread,
                        **measure(srgb, truth, fair, weight > 0, visible),
                        "gain_error": off, **costs,
                    }  # fmt: skip
                    keep(row, asked.record)


def apart(*arguments: Any) -> Any:
    """Run `bake` in a fresh process."""
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=bake, args=(*arguments, queue))
    process.start()
    result = queue.get()
    process.join()
    return result


def keep(row: dict, record: bool) -> None:
    """Print a row, and append it to the results."""
    texts = {name: f"{row[name]:.4g}" if isinstance(row[name], float) else str(row[name]) for name in COLUMNS}
    sys.stdout.write(json.dumps(texts) + "\n")
    sys.stdout.flush()
    if not record:
        return
    new = not RESULTS.exists()
    with RESULTS.open("a", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(texts)


if __name__ == "__main__":
    main()
