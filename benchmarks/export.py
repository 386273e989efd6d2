"""How small a twin's file becomes, how long that takes, and how far it moves the person.

Usage: python benchmarks/export.py twin.glb [--texture-size 2048] [--node-modules DIR] [--record]

`twin.glb` is a twin as `bodyscan twin` writes it (the master file). Where it has no images, skin-like ones
are made up: tones, pores as a normal map, roughness. Each profile of ours, and each packer that is installed
(npm gltfpack, @gltf-transform/cli; Blender as the module bpy), gets the same file. Distances are of the rest
pose as `read_consent` sees it, both ways between the surfaces' vertices; joints by their names.
`--record` appends the rows to `results/export.csv`.
"""

from __future__ import annotations

import argparse
import csv
import io
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from fit_record import git_revision
from PIL import Image
from scipy.ndimage import gaussian_filter
from scipy.spatial import KDTree

from bodyscan import __version__
from bodyscan.errors import BodyscanError
from bodyscan.gltf import GlbBody, read_consent, read_glb
from bodyscan.gltf.container import pack_glb, unpack_glb
from bodyscan.gltf.pack import PROFILES, PackOptions, pack, part_sizes, profile
from bodyscan.gltf.pack.arrays import drop_unused, take_apart
from bodyscan.gltf.pack.assemble import assemble
from bodyscan.types import U8

RESULTS = Path(__file__).parent / "results" / "export.csv"
OURS = {
    **PROFILES,
    "meshopt, lossless": PackOptions(compress="meshopt"),
    "web, integers": replace(profile("web"), float_positions=False),
    "web, draco": replace(profile("web"), compress="draco"),
}
OPTIMIZE = ["gltf-transform", "optimize", "IN", "OUT", "--simplify", "false", "--texture-compress", "webp"]
TOOLS = {
    "gltfpack -cc, images kept": ["gltfpack", "-i", "IN", "-o", "OUT", "-cc", "-kn", "-ke", "-km", "-kv"],
    "gltf-transform meshopt": [*OPTIMIZE, "--compress", "meshopt"],
    "gltf-transform draco": [*OPTIMIZE, "--compress", "draco"],
}
BLENDER = """
import sys, bpy
source, target, draco = sys.argv[1:4]
bpy.ops.wm.read_factory_settings(use_empty=True)
bpy.ops.import_scene.gltf(filepath=source)
bpy.ops.export_scene.gltf(filepath=target, export_extras=True, export_image_format="WEBP",
    export_draco_mesh_compression_enable=draco == "draco", export_try_sparse_sk=True)
"""


@dataclass(frozen=True)
class Row:
    """One packer on one file."""

    packer: str
    wall_s: float
    cpu_s: float
    file_bytes: int
    geometry_bytes: int
    morph_bytes: int
    image_bytes: int
    json_bytes: int
    rest_max_mm: float
    rest_mean_mm: float
    joints_max_mm: float
    consent: bool
    """Whether the consent record is still found."""


def skin_textures(size: int, seed: int = 1) -> dict[str, U8]:
    """Return made-up `albedo`, `roughness` (as glTF packs it) and `normal`, (N, N, 3) uint8 each."""
    rng = np.random.default_rng(seed)

    def noise(width: float) -> np.ndarray:
        field = gaussian_filter(rng.standard_normal((size, size), dtype=np.float32), width, mode="wrap")
        return field / field.std()

    tone = 6 * noise(60) + 3 * noise(12) + 3 * noise(2) + 2.5 * noise(0.7)
    red = 4 * noise(40) + 2 * noise(4)
    albedo = (
        np.array((196.0, 144.0, 120.0)) + tone[..., None] * (1, 0.95, 0.9) + red[..., None] * (1, -0.4, -0.3)
    )
    height = 0.15 * noise(1.2) + 0.3 * noise(3)
    normal = np.stack(
        [-np.gradient(height, axis=1), np.gradient(height, axis=0), np.ones_like(height)], axis=-1
    )
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    rough = np.zeros((size, size, 3))
    rough[..., 0], rough[..., 1] = 255, 140 + 2 * tone + 6 * noise(6)
    images = {"albedo": albedo, "roughness": rough, "normal": np.rint((normal + 1) / 2 * 255)}
    return {name: np.clip(image, 0, 255).astype(np.uint8) for name, image in images.items()}


def with_textures(glb: bytes, size: int) -> bytes:
    """Return the twin with made-up images as PNG in place of its vertex colours."""
    document, binary = unpack_glb(glb)
    blob = bytearray(binary)
    document |= {"images": [], "textures": [], "samplers": [{"wrapS": 33071, "wrapT": 33071}]}
    for name, image in skin_textures(size).items():
        stream = io.BytesIO()
        Image.fromarray(image).save(stream, "PNG", compress_level=3)
        blob += bytes(-len(blob) % 4)
        view = {"buffer": 0, "byteOffset": len(blob), "byteLength": stream.tell(), "name": name}
        blob += stream.getvalue()
        document["bufferViews"].append(view)
        source = len(document["bufferViews"]) - 1
        document["images"].append({"bufferView": source, "mimeType": "image/png", "name": name})
        document["textures"].append({"source": len(document["images"]) - 1, "sampler": 0})
    material = document["materials"][0]
    material["pbrMetallicRoughness"] |= {
        "baseColorTexture": {"index": 0},
        "metallicRoughnessTexture": {"index": 1},
        "roughnessFactor": 1.0,
    }
    material["normalTexture"] = {"index": 2}
    arrays = take_apart(document, bytes(blob))
    for primitive in arrays.primitives():
        if "COLOR_0" in primitive["attributes"]:  # would be multiplied with the image
            arrays.accessors[primitive["attributes"].pop("COLOR_0")].dropped = True
    drop_unused(arrays)
    return pack_glb(*assemble(arrays, meshopt=False))


def measure(packer: str, plain: Path, packed: Path, wall_s: float, cpu_s: float) -> Row:
    """Return the row of a packed file beside the plain one."""
    text, positions, faces = read_consent(packed)
    before = read_glb(plain)
    used = positions[np.unique(faces)]
    there = KDTree(used).query(before.positions)[0]
    back = KDTree(before.positions).query(used)[0]
    sizes = part_sizes(unpack_glb(packed)[0])
    return Row(
        packer,
        wall_s,
        cpu_s,
        packed.stat().st_size,
        sizes.geometry,
        sizes.morphs,
        sizes.images,
        sizes.json,
        1000 * float(max(there.max(), back.max())),
        1000 * float(there.mean()),
        1000 * _joints_m(before, packed),
        text == before.consent,
    )


def _joints_m(before: GlbBody, packed: Path) -> float:
    try:
        after = read_glb(packed)
    except BodyscanError:
        return float("nan")
    places = dict(zip(before.skeleton.joint_names, before.skeleton.positions, strict=True))
    pairs = zip(after.skeleton.joint_names, after.skeleton.positions, strict=True)
    return max(
        (float(np.linalg.norm(at - places[name])) for name, at in pairs if name in places), default=np.nan
    )


def run_ours(name: str, options: PackOptions, source: Path, target: Path) -> Row:
    """Pack with our own code, in this process."""
    data = source.read_bytes()
    wall, cpu = time.perf_counter(), time.process_time()
    target.write_bytes(pack_glb(*pack(*unpack_glb(data), options)))
    return measure(name, source, target, time.perf_counter() - wall, time.process_time() - cpu)


def run_tool(name: str, command: list[str], source: Path, target: Path) -> Row:
    """Pack with another program; its own start counts."""
    words = [{"IN": str(source), "OUT": str(target)}.get(word, word) for word in command]
    before, wall = _child_cpu_s(), time.perf_counter()
    subprocess.run(words, check=True, capture_output=True)
    return measure(name, source, target, time.perf_counter() - wall, _child_cpu_s() - before)


def _child_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def all_rows(source: Path, folder: Path, node_modules: Path) -> list[Row]:
    """Run every packer that is there."""
    rows = []
    for number, (name, options) in enumerate(OURS.items()):
        rows.append(run_ours(name, options, source, folder / f"ours{number}.glb"))
        print(_line(rows[-1]), flush=True)
    commands = {}
    for name, command in TOOLS.items():
        program = node_modules / ".bin" / command[0]
        if program.exists():
            commands[name] = [str(program), *command[1:]]
        else:
            print(f"{name}: not installed in {node_modules}", file=sys.stderr)
    commands |= {
        f"Blender, {kind}": [sys.executable, "-c", BLENDER, "IN", "OUT", kind] for kind in ("plain", "draco")
    }
    for number, (name, command) in enumerate(commands.items()):
        try:
            rows.append(run_tool(name, command, source, folder / f"tool{number}.glb"))
            print(_line(rows[-1]), flush=True)
        except (subprocess.CalledProcessError, BodyscanError) as error:
            said = getattr(error, "stderr", None)
            print(f"{name}: {error} {(said or b'').decode(errors='replace')[-300:]}", file=sys.stderr)
    return rows


def _line(row: Row) -> str:
    sizes = (row.file_bytes, row.geometry_bytes, row.morph_bytes, row.image_bytes)
    columns = " ".join(f"{size / 1e6:7.3f}" for size in sizes)
    return (
        f"{row.packer:24} {row.cpu_s:6.2f} s {columns} MB  {row.rest_max_mm:8.4f} {row.rest_mean_mm:8.4f} "
        f"{row.joints_max_mm:8.4f} mm  consent {'kept' if row.consent else 'lost'}"
    )


def record(rows: list[Row], texture_size: int) -> None:
    """Append the rows to the results."""
    common = {
        "date": datetime.now(UTC).date().isoformat(),
        "version": __version__,
        "revision": git_revision(),
        "texture_px": texture_size,
    }
    new = not RESULTS.exists()
    with RESULTS.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        names = list(Row.__dataclass_fields__)
        if new:
            writer.writerow([*common, *names])
        for row in rows:
            values = [getattr(row, name) for name in names]
            told = [f"{value:.4f}" if isinstance(value, float) else value for value in values]
            writer.writerow([*common.values(), *told])


def main() -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("twin", type=Path)
    parser.add_argument("--texture-size", type=int, default=2048)
    default = Path(__file__).parents[1] / "tests" / "node" / "node_modules"
    parser.add_argument("--node-modules", type=Path, default=default)
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = folder / "twin.glb"
        if unpack_glb(options.twin)[0].get("images"):
            shutil.copyfile(options.twin, source)
        else:
            source.write_bytes(with_textures(options.twin.read_bytes(), options.texture_size))
        print("packer                       CPU  file geometry shapes images  rest max, mean, joints max")
        rows = all_rows(source, folder, options.node_modules)
    if options.record:
        record(rows, options.texture_size)


if __name__ == "__main__":
    main()
