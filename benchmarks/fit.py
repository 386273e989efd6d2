"""How close the fit comes to people whose truth is known, and what it costs.

    python benchmarks/fit.py --people PEOPLE.npz    40 people of the full space, see `make_people.py`
    python benchmarks/fit.py                        people of our own shape space with bumps outside of it
    python benchmarks/fit.py --faces 20000,100000,2000000
    python benchmarks/fit.py --peers                other methods on every fifth case of the first size
    python benchmarks/fit.py --count 0 --scans DIR  bodies of your own, see `fit_scans.py`
    python benchmarks/fit.py --record               and keep the run in benchmarks/results/

Each person takes one condition and one pose of a fixed table. The scan goes through clean-up with nothing
given (unit, axes and landmarks are inferred), then through the fit. Scans are kept in `--cache`.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # before Open3D is loaded, see `simulate.scanner.fuse`

from fit_cache import load_or_scan
from fit_cases import CONDITIONS, Plan, plan_case
from fit_metrics import measure_case
from fit_people import Person, people_from_file, people_of_own_space
from fit_pictures import Pictures
from fit_record import record
from fit_scans import run_scans
from fit_summary import header, line, summary
from peers import all_peers, peers_table, record_peers, run_peers

from bodyscan.body.asset import load_body_model

CACHE = Path("build/benchmarks")
HEAVY = ("open3d", "mediapipe", "cv2", "scipy.stats", "scipy.sparse.linalg", "scipy.ndimage", "trimesh")
"""Imported before any clock runs: no case pays for them."""


def warm_up() -> None:
    """Import what the stages import late, and load the packaged bodies."""
    for name in HEAVY:
        importlib.import_module(name)
    for age in ("adult", "child"):
        load_body_model(age)


def chosen_cases(given: argparse.Namespace) -> list[tuple[Person, Plan]]:
    people = people_from_file(given.people, given.count) if given.people else people_of_own_space(given.count)
    pairs = [(person, plan_case(number, person.age)) for number, person in enumerate(people)]
    if given.only:
        pairs = [
            (person, plan)
            for person, plan in pairs
            if plan.condition in given.only or str(plan.number) in given.only
        ]
    return pairs


def run(given: argparse.Namespace, faces: int, with_peers: bool) -> None:
    """All chosen cases at one number of faces: scan, fit, measure, print."""
    label = "held-out" if given.people else "own space"
    pairs, rows, peer_rows = chosen_cases(given), [], []
    peers = all_peers() if with_peers else ()
    pictures = Pictures(given.pictures, given.worst)
    print(f"{len(pairs)} people ({label}), scans of {faces:,} faces", file=sys.stderr)
    print(header(), flush=True)
    for place, (person, plan) in enumerate(pairs):
        case = load_or_scan(person, plan, given.seed, faces, given.cache)
        row, result = measure_case(case)
        rows.append(row)
        print(line(row), flush=True)
        if result is not None:
            pictures.take(row, case, result)
            if peers and place % given.peers_every == 0:
                peer_rows += run_peers(peers, case, result, row)
    print(summary(rows, faces), flush=True)
    pictures.save()
    if peer_rows:
        print(peers_table(peer_rows), flush=True)
    if given.record:
        record(rows, faces, label)
        if peer_rows:
            record_peers(peer_rows, faces, label)


def whole_numbers(text: str) -> list[int]:
    """`20000,100000` -> [20000, 100000]."""
    return [int(part) for part in text.split(",")]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--people", type=Path, help="people of make_people.py (.npz)")
    parser.add_argument("--count", type=int, default=40, help="simulated people; 0 for none")
    parser.add_argument("--only", type=lambda text: text.split(","), default=[],
                        help=f"conditions ({', '.join(CONDITIONS)}) or numbers of people")  # fmt: skip
    parser.add_argument(
        "--faces", type=whole_numbers, default=[100_000], help="of each scan; several: 20000,100000"
    )
    parser.add_argument("--seed", type=int, default=500, help="of the poses, cloth and faults")
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder that keeps the scans")
    parser.add_argument("--peers", action="store_true",
                        help="run other methods too on scans of the first size, see `peers.py`")  # fmt: skip
    parser.add_argument("--peers-every", type=int, default=5, help="on every so-manieth case")
    parser.add_argument("--pictures", type=Path, help="folder for pictures of adults' fits")
    parser.add_argument("--worst", type=int, default=0, help="pictures of so many worst adults' cases only")
    parser.add_argument("--scans", type=Path, action="append", default=[],
                        help="folder of bodies of your own (.obj, .npz); may be given again")  # fmt: skip
    parser.add_argument("--scans-limit", type=int, default=1000, help="bodies at most of each folder")
    parser.add_argument("--record", action="store_true", help="keep the run in benchmarks/results/")
    given = parser.parse_args()
    if given.pictures:
        given.pictures.mkdir(parents=True, exist_ok=True)
    warm_up()
    for place, faces in enumerate(given.faces if given.count else []):
        run(given, faces, given.peers and place == 0)
    for folder in given.scans:
        run_scans(folder, given.pictures, given.scans_limit)


if __name__ == "__main__":
    main()
