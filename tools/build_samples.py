"""Rebuilds `sample_scans/`: six people who do not exist, with truth, consent and demo keys.

    python tools/build_samples.py [--consent] [NAME ...]

With `--consent` the scans stay and only records and keys are made. Always the same bytes with the same
versions of numpy and Open3D.
"""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path

from bodyscan.consent.demo import make_demo_consent
from bodyscan.consent.key_files import save_private_key, save_public_key
from bodyscan.simulate import RawScanOptions, simulate_raw_scan, write_scan, write_truth
from bodyscan.simulate.depth import simulate_depth
from bodyscan.simulate.depth_options import DepthRigOptions
from bodyscan.simulate.write_depth import write_depth

FOLDER = Path(__file__).resolve().parent.parent / "sample_scans"

SAMPLES: dict[str, RawScanOptions] = {
    "man.ply": RawScanOptions(
        seed=11, sex="male", build="athletic", height_m=1.81, hair="short", clothing="briefs", skin_tone=7,
        pose="a", hands="open", holes=("soles", "armpits"), hole_radius_mm=25, crumbs=6, target_faces=80_000,
        unit="mm", up="+z", facing="-y",
    ),
    "woman.obj": RawScanOptions(
        seed=3, sex="female", build="average", height_m=1.67, hair="bob", clothing="sports", skin_tone=4,
        pose="a", target_faces=60_000, unit="cm", up="+y", facing="+z",
    ),
    "child.glb": RawScanOptions(
        seed=21, age="child", build="average", height_m=1.25, hair="short", clothing="tshirt", skin_tone=6,
        pose="a", arms_down_deg=15, target_faces=60_000, noise_mm=0.4, unit="m",
    ),
    "heavy.ply": RawScanOptions(
        seed=31, sex="female", build="heavy", height_m=1.64, hair="long", clothing="leggings", skin_tone=2,
        pose="a", hands="fist", legs="apart", floor="disc", crumbs=15, noise_mm=0.4, drift_mm=0.7,
        holes=("crown", "crotch"), hole_radius_mm=30, target_faces=100_000, unit="m", up="+z", facing="+x",
    ),
    "thin.stl": RawScanOptions(
        seed=41, sex="male", build="thin", height_m=1.77, hair="bald", clothing="briefs", skin_tone=9,
        pose="relaxed", legs="together", holes=("soles", "back"), flipped_share=0.05, noise_mm=0.5,
        target_faces=60_000, unit="in", up="+y", facing="-z", yaw_deg=20,
    ),
}  # fmt: skip

CAPTURES: dict[str, tuple[RawScanOptions, DepthRigOptions]] = {
    "turntable": (
        RawScanOptions(
            seed=7, sex="female", build="average", height_m=1.72, hair="short", clothing="sports",
            skin_tone=5, pose="a",
        ),
        DepthRigOptions(
            seed=7, sensor="azure-kinect", rig="turntable", frames=36, width=320, height=288,
            background="floor", sway_mm=15, arm_drift_mm=25, breath_mm=3, give_poses=False,
        ),
    ),
}  # fmt: skip
"""Folder of depth frames -> the person and the rig."""


def build_capture(name: str, folder: Path = FOLDER) -> None:
    person, rig = CAPTURES[name]
    shutil.rmtree(folder / name, ignore_errors=True)
    write_depth(simulate_depth(person, rig), folder / name, folder / f"{name}.truth.npz")


def build_scan(file_name: str, folder: Path = FOLDER) -> None:
    path, options = folder / file_name, SAMPLES[file_name]
    scan = simulate_raw_scan(options)
    write_scan(scan, path)
    write_truth(scan, path.with_name(f"{path.stem}.truth.npz"))


def build_consent(file_name: str, folder: Path = FOLDER) -> None:
    path = folder / file_name
    options = CAPTURES[file_name][0] if file_name in CAPTURES else SAMPLES[file_name]
    consent = make_demo_consent(path.stem, minor=options.age == "child")
    path.with_name(f"{path.stem}.consent.json").write_text(consent.text + "\n", encoding="utf-8")
    keys = folder / "demo_keys"
    keys.mkdir(exist_ok=True)
    for role, key in (
        (path.stem, consent.subject_key),
        (f"guardian_of_{path.stem}", consent.guardian_key),
        ("studio", consent.controller_key),
    ):
        if key is not None:
            save_private_key(key, keys / f"demo_{role}.jwk", overwrite=True)
            save_public_key(key.public, keys / f"demo_{role}.pub.jwk", overwrite=True)


def main(arguments: list[str]) -> None:
    FOLDER.mkdir(exist_ok=True)
    names = [argument for argument in arguments if argument != "--consent"]
    for file_name in (*SAMPLES, *CAPTURES):
        if not names or Path(file_name).stem in names:
            start = time.perf_counter()
            if "--consent" not in arguments:
                (build_capture if file_name in CAPTURES else build_scan)(file_name)
            build_consent(file_name)
            files = [
                path for path in (FOLDER / file_name, *(FOLDER / file_name).rglob("*")) if path.is_file()
            ]
            size = sum(path.stat().st_size for path in files) / 1e6
            print(f"{file_name}: {size:.1f} MB in {time.perf_counter() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
