"""Draws people for `benchmarks/fit.py` from the full body space that the packaged components were cut from.

    python benchmarks/make_people.py PEOPLE.npz [--count 16]

Needs an environment with the dependency group `body-build` or `peers` (anny, torch). These people carry all
of the local changes of the source, so that the packaged components cannot say them exactly; they are drawn
with a seed of their own and were seen by no component. Takes one to three minutes.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools" / "build_body"))
ASSET = ROOT / "src" / "bodyscan" / "body" / "data" / "body.npz"
SEED = 77_001
CHILDREN = 4
"""One person in so many is a child."""


def draw(count: int, seed: int) -> dict[str, np.ndarray]:
    """`vertices` (N, V, 3) float32 metres on the packaged topology, `joints` (N, J, 3), `age` (N,)."""
    import population  # pyright: ignore[reportMissingImports]
    import skeleton  # pyright: ignore[reportMissingImports]
    import source  # pyright: ignore[reportMissingImports]

    src = source.load_source()
    groups = source.read_vertex_groups(src.data_folder)
    with np.load(ASSET, allow_pickle=False) as asset:
        used, names = asset["base_vertex"], [str(name) for name in asset["joint_names"]]
    joints = skeleton.joint_sources()
    if [joint.name for joint in joints] != names:
        raise SystemExit("The packaged skeleton is not the one of tools/build_body: build the asset again.")
    regressor = skeleton.joint_regressor(joints, groups, len(src.template))
    rng = np.random.default_rng(seed)
    children = count // CHILDREN
    found: dict[str, list[np.ndarray]] = {"vertices": [], "joints": [], "age": []}
    for age, number in (("adult", count - children), ("child", children)):
        if not number:
            continue
        # Believable statures are few among free draws: many are drawn, few are kept.
        drawn = population.sample_coefficients(src, rng, 40 * number, age, face=True, body=True)
        ends = np.array([_stature(src, row, used) for row in drawn])
        kept = np.flatnonzero(population.accept_by_stature(rng, ends, age))[:number]
        for row in drawn[kept]:
            full = src.template + np.tensordot(row, src.blendshapes, axes=1)
            lowest = full[used, 1].min()
            found["vertices"].append((full[used] - [0, lowest, 0]).astype(np.float32))
            found["joints"].append(regressor @ full - [0, lowest, 0])
            found["age"].append(np.array(age))
    return {name: np.stack(rows) for name, rows in found.items()}


def _stature(src, row: np.ndarray, used: np.ndarray) -> float:
    heights = src.template[used, 1] + row @ src.blendshapes[:, used, 1]
    return float(np.ptp(heights))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--count", type=int, default=16)
    parser.add_argument("--seed", type=int, default=SEED)
    given = parser.parse_args()
    people = draw(given.count, given.seed)
    np.savez_compressed(given.file, **people)
    tall = np.ptp(people["vertices"][:, :, 1], axis=1)
    for age, metres in zip(people["age"], tall, strict=True):
        print(f"{age}: {metres:.2f} m")


if __name__ == "__main__":
    main()
