"""The gate: a scan that is not one whole, standing person is refused in words.

Every part of the body must be seen where the scan has surface; what the found skeleton does not explain is
looked at again, so that a second person does not pass as baggage. A missing hand or arm is no reason to
refuse a person: it is noted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from bodyscan.errors import InputError
from bodyscan.reconstruct.landmarks import LandmarkOptions, find_skeleton
from bodyscan.reconstruct.lighter import lighter
from bodyscan.reconstruct.mediapipe_detector import PersonDetector
from bodyscan.reconstruct.slices import PERSON_SCORE, stance, surface_samples
from bodyscan.reconstruct.studio import Studio, robust_bounds
from bodyscan.reconstruct.unit import skeleton_height
from bodyscan.reconstruct.unrecognised import no_person_message
from bodyscan.types import F64, Bool, Landmarks, Mesh

BONES = (
    ("nose", "shoulder"),
    ("shoulder", "hip"),
    ("shoulder", "elbow"),
    ("elbow", "wrist"),
    ("wrist", "index"),
    ("hip", "knee"),
    ("knee", "ankle"),
    ("heel", "foot_index"),
)

UPS = ((0.0, 1.0, 0.0), (1.0, 0.0, 0.0), (-1.0, 0.0, 0.0), (0.0, 0.0, 1.0), (0.0, 0.0, -1.0))
"""Along which a second person is looked for: beside a lying one somebody may stand, and the reverse."""


@dataclass(frozen=True)
class PersonOptions:
    """What counts as one whole person."""

    min_points: int = 500
    """Least number of vertices or points."""
    min_confidence: float = 0.12
    """0..1, from which a landmark counts as seen."""
    reach: float = 0.2
    """How far surface may lie from the person's bones, as a share of the height, to be theirs."""
    other_share: float = 0.2
    """0..1, share of the surface beyond that reach from which it is searched for a second person."""
    allow_seated: bool = False
    """Let a seated or kneeling person pass. The fit starts from standing bodies and may fail."""

    def __post_init__(self) -> None:
        if not 0 < self.reach < 1 or not 0 < self.other_share <= 1 or not 0 <= self.min_confidence <= 1:
            raise InputError(
                "PersonOptions: reach must lie in 0..1 (not 0), other_share in 0..1 (not 0) and "
                "min_confidence in 0..1."
            )


def require_whole_person(
    mesh: Mesh,
    landmarks: Landmarks | None,
    options: PersonOptions | None = None,
    *,
    detector: PersonDetector | None = None,
) -> tuple[str, ...]:
    """Return what a person should know of the scan, or refuse it.

    `mesh` and `landmarks`: world frame (metres, +Y up, facing +Z), after clean-up. Raises `InputError` that
    says what was seen: nothing, a thing, a head or an upper body alone, missing feet, a seated person, two or
    more people.
    """
    options = options or PersonOptions()
    if len(mesh.vertices) < options.min_points:
        raise InputError(
            f"The scan holds {len(mesh.vertices)} points: too few for a person "
            f"(at least {options.min_points}). "
            "It is empty, or clean-up found no body in it. Give a scan of one whole person."
        )
    if detector is None:
        with PersonDetector() as own:
            return require_whole_person(mesh, landmarks, options, detector=own)
    light = lighter(mesh, 100_000 if mesh.is_cloud else 300_000)
    if landmarks is None:
        return _judge_by_slices(light, detector)
    seen = _Seen(light, landmarks, options.min_confidence)
    points = surface_samples(light)
    _refuse_two_heads(light, points, seen, detector)
    _refuse_missing_parts(seen)
    if not options.allow_seated:
        _refuse_seated(seen)
    others = _refuse_others(light, points, seen, options, detector)
    return (*_missing_arms(seen), *others)


class _Seen:
    """Landmarks that lie on the scan."""

    def __init__(self, mesh: Mesh, landmarks: Landmarks, min_confidence: float) -> None:
        self.low, self.high = robust_bounds(mesh.vertices)
        self.height = float(self.high[1] - self.low[1])
        self._tree = KDTree(mesh.vertices)
        away, _ = self._tree.query(landmarks.positions)
        margin = 0.02 * self.height
        inside = ((landmarks.positions > self.low - margin) & (landmarks.positions < self.high + margin)).all(
            axis=1
        )
        self.points = dict(zip(landmarks.names, landmarks.positions, strict=True))
        good = inside & (away < 0.07 * self.height) & (landmarks.confidence >= min_confidence)
        self.names = {name for name, ok in zip(landmarks.names, good, strict=True) if ok}

    def near(self, *points: F64) -> bool:
        """Whether thin parts lie on the scan: within 2.5 % of the height of a vertex."""
        return bool((self._tree.query(np.array(points))[0] < 0.025 * self.height).all())

    def length(self, first: str, second: str) -> float | None:
        """Length from part to part, the longer of the two sides; None where neither has both."""
        lengths = []
        for side in ("left", "right"):
            names = [n if n == "nose" else f"{side}_{n}" for n in (first, second)]
            if all(n in self.points for n in names):
                lengths.append(float(np.linalg.norm(self.points[names[0]] - self.points[names[1]])))
        return max(lengths, default=None)

    def rises_above_shoulders(self) -> bool:
        """Whether the scan goes on above the shoulders as far as a head does, and not as a neck's stub.

        From the shoulder joints to the crown it is 0.6 of the trunk's length, to the chin 0.2.
        """
        ends = [
            self.points.get(f"{side}_{part}") for part in ("shoulder", "hip") for side in ("left", "right")
        ]
        if any(end is None for end in ends):
            return True
        left, right, *hips = np.array(ends)
        middle, trunk = (left + right) / 2, float(np.linalg.norm((left + right - sum(hips)) / 2))
        points = self._tree.data
        above = points[np.linalg.norm(points[:, [0, 2]] - middle[[0, 2]], axis=1) < 0.12 * self.height]
        return bool(len(above)) and float(np.percentile(above[:, 1], 99.5)) > middle[1] + 0.36 * trunk

    def count(self, part: str) -> int:
        """How many of left and right are seen."""
        return sum(f"{side}_{part}" in self.names for side in ("left", "right"))


def _judge_by_slices(mesh: Mesh, detector: PersonDetector) -> tuple[str, ...]:
    looks = stance(surface_samples(mesh), np.array([0.0, 1.0, 0.0]))
    if looks.score < PERSON_SCORE:
        raise InputError(no_person_message(Studio(mesh), detector))
    return (
        "No picture of the scan was recognised as a person; it passes because its slices show a head above "
        f"{looks.leg_pieces} leg piece(s). Look at the result with care.",
    )


def _refuse_missing_parts(seen: _Seen) -> None:
    head = "nose" in seen.names or seen.count("eye") + seen.count("ear") > 0
    head = head and seen.rises_above_shoulders()
    trunk = seen.count("shoulder") > 0
    # On a cut body a detector squeezes what is missing into what is there: each part must have the length
    # that the part above it asks for.
    neck, torso = seen.length("nose", "shoulder"), seen.length("shoulder", "hip")
    thigh, shin = seen.length("hip", "knee"), seen.length("knee", "ankle")
    long_shin = thigh is None or shin is None or shin > 0.6 * thigh
    # On heavy people the detector is unsure of hips and sure of all that hangs on them.
    legs_seen = min(seen.count("knee"), seen.count("ankle"), seen.count("heel"), seen.count("foot_index")) > 0
    hips_seen = seen.count("hip") > 0 or (legs_seen and long_shin)
    hips = hips_seen and (neck is None or torso is None or torso > 1.2 * neck)
    knees = hips and seen.count("knee") > 0 and (torso is None or thigh is None or thigh > 0.45 * torso)
    feet = knees and seen.count("ankle") > 0 and seen.count("heel") + seen.count("foot_index") > 0
    feet = feet and long_shin
    if head and trunk and hips and knees and feet:
        return
    parts = {"head": head, "shoulders": trunk, "hips": hips, "knees": knees, "feet": feet}
    there = [name for name, ok in parts.items() if ok]
    gone = [name for name, ok in parts.items() if not ok]
    if head and not hips and not knees and not feet:
        what = "it shows a head" + (" and shoulders" if trunk else "") + " alone"
    elif head and trunk and not knees and not feet:
        what = "it shows an upper body alone"
    elif not head and there:
        what = "it shows a body without a head"
    elif there:
        what = "it is cut off"
    else:
        what = "no part of a body was found on it"
    raise InputError(
        f"The scan is no whole person: {what}. Seen: {', '.join(there) or 'nothing'}; "
        f"missing: {', '.join(gone)}. Give a scan of one whole person, from head to feet."
    )


def _refuse_seated(seen: _Seen) -> None:
    bent = 0
    for side in ("left", "right"):
        hip, knee, ankle = (seen.points.get(f"{side}_{part}") for part in ("hip", "knee", "ankle"))
        if hip is None or knee is None or ankle is None:
            return
        thigh, shin = knee - hip, ankle - knee
        level = abs(thigh[1]) < 0.45 * np.linalg.norm(thigh)
        folded = thigh @ shin < 0.35 * np.linalg.norm(thigh) * np.linalg.norm(shin)
        bent += bool(level or folded)
    if bent == 2:
        raise InputError(
            "The person seems to sit, squat or kneel: both thighs are level or both knees are folded. "
            "Give a scan of the person standing (A-pose, T-pose or relaxed)."
        )


def _missing_arms(seen: _Seen) -> tuple[str, ...]:
    gone = [side for side in ("left", "right") if not _has_hand(seen, side)]
    if not gone:
        return ()
    return (
        f"The {' and '.join(gone)} hand{'s were' if len(gone) > 1 else ' was'} not seen (hidden, closed to "
        "the body, or missing); the twin's arm there follows the body model.",
    )


def _has_hand(seen: _Seen, side: str) -> bool:
    shoulder, elbow, wrist, index = (
        seen.points.get(f"{side}_{part}") for part in ("shoulder", "elbow", "wrist", "index")
    )
    if shoulder is None or elbow is None or wrist is None or index is None:
        return False
    reaches = np.linalg.norm(wrist - elbow) > 0.5 * np.linalg.norm(elbow - shoulder)
    return bool(reaches) and {f"{side}_wrist", f"{side}_index"} <= seen.names and seen.near(wrist, index)


def _refuse_two_heads(mesh: Mesh, points: F64, seen: _Seen, detector: PersonDetector) -> None:
    """Two people side by side: two pieces at the height of the heads, and a body below each.

    `points` (N, 3) lie evenly on the surface of `mesh`.
    """
    top = points[points[:, 1] > seen.high[1] - 0.14 * seen.height][:, [0, 2]]
    if len(top) < 40:
        return
    cells, group = np.unique(np.floor(top / (0.02 * seen.height)), axis=0, return_inverse=True)
    count, label = _grid_pieces(cells, 1.5)
    sizes = np.bincount(label[group.ravel()], minlength=count)
    heads = [
        top[label[group.ravel()] == piece].mean(axis=0) for piece in np.flatnonzero(sizes > 0.15 * len(top))
    ]
    if not 2 <= len(heads) <= 6:
        return
    _, nearest = KDTree(heads).query(mesh.vertices[:, [0, 2]])
    people = [i for i in range(len(heads)) if _shows_person(_part(mesh, nearest == i), seen.height, detector)]
    if len(people) > 1:
        raise InputError(
            f"The scan shows two or more people: {len(people)} heads, each above a body of its own. "
            "Give a scan of one person, or cut the others away."
        )


def _grid_pieces(cells: F64, reach: float) -> tuple[int, np.ndarray]:
    """Number of pieces of occupied grid cells (C, D), and the piece of each cell."""
    pairs = KDTree(cells).query_pairs(reach, output_type="ndarray")
    graph = coo_matrix((np.ones(len(pairs)), pairs.T), shape=(len(cells), len(cells)))
    return connected_components(graph, directed=False)


def _refuse_others(
    mesh: Mesh, points: F64, seen: _Seen, options: PersonOptions, detector: PersonDetector
) -> tuple[str, ...]:
    """Look for a second person in what the skeleton does not explain, and in large separate pieces.

    `points` (N, 3) lie evenly on the surface of `mesh`.
    """
    far = _distance_to_bones(points, seen) > options.reach * seen.height
    share = float(far.mean())
    if share > options.other_share:
        kept = _distance_to_bones(mesh.vertices, seen) > options.reach * seen.height
        if _shows_person(_part(mesh, kept), seen.height, detector):
            _raise_two(share)
    pieces = _large_pieces(mesh, points, options.other_share)
    if len(pieces) > 1:
        people = [p for p in pieces if _shows_person(_part(mesh, p), seen.height, detector)]
        if len(people) > 1:
            _raise_two(1 - 1 / len(people))
    if share > options.other_share:
        return (
            f"{share:.0%} of the surface lies far from the person (a stand, furniture, a wide garment); "
            "it was not recognised as another person.",
        )
    return ()


def _raise_two(share: float) -> None:
    raise InputError(
        f"The scan shows two or more people: besides the first, {share:.0%} of the surface "
        "belongs to another body. Give a scan of one person, or cut the others away."
    )


def _distance_to_bones(points: F64, seen: _Seen) -> F64:
    ends = []
    for side in ("left", "right"):
        for first, second in BONES:
            names = [n if n == "nose" else f"{side}_{n}" for n in (first, second)]
            if all(n in seen.points for n in names):
                ends.append((seen.points[names[0]], seen.points[names[1]]))
    distance = np.full(len(points), np.inf)
    for start, end in ends:
        bone = end - start
        along = np.clip((points - start) @ bone / max(float(bone @ bone), 1e-12), 0, 1)
        distance = np.minimum(distance, np.linalg.norm(points - start - along[:, None] * bone, axis=1))
    return distance


def _part(mesh: Mesh, kept: Bool) -> Mesh:
    """The vertices where `kept` (V,) is True, with the faces among them."""
    index = np.cumsum(kept) - 1
    faces = mesh.faces[kept[mesh.faces].all(axis=1)] if len(mesh.faces) else mesh.faces
    colors = None if mesh.colors is None else mesh.colors[kept]
    normals = None if mesh.normals is None else mesh.normals[kept]
    return Mesh(mesh.vertices[kept], index[faces], colors=colors, normals=normals)


def _large_pieces(mesh: Mesh, samples: F64, share: float) -> list[Bool]:
    """Vertex masks of separate pieces that each hold `share` of the surface or more, in a grid of 3 %."""
    size = 0.03 * float(np.ptp(samples, axis=0).max())
    low = samples.min(axis=0)
    cells, group = np.unique(np.floor((samples - low) / size).astype(np.int64), axis=0, return_inverse=True)
    count, label = _grid_pieces(cells, 1.8)
    if count < 2:
        return []
    shares = np.bincount(label[group.ravel()], minlength=count) / len(samples)
    large = np.flatnonzero(shares >= share)
    if len(large) < 2:
        return []
    _, nearest = KDTree(cells).query(np.floor((mesh.vertices - low) / size))
    return [label[nearest] == piece for piece in large]


def _shows_person(part: Mesh, height: float, detector: PersonDetector) -> bool:
    """Whether a part shows a body, at least a third as tall as the person, standing or lying."""
    if len(part.vertices) < 100 or (not part.is_cloud and len(part.faces) < 100):
        return False
    studio = Studio(part)
    return any(_stands(studio, np.array(up), height, detector) for up in UPS)


def _stands(studio: Studio, up: F64, height: float, detector: PersonDetector) -> bool:
    """Whether a body is seen with its head above its hips along `up`."""
    skeleton = find_skeleton(
        studio, detector, LandmarkOptions(num_views=6, picture_px=256), up=(up[0], up[1], up[2])
    )
    if skeleton is None:
        return False
    tall = skeleton_height(skeleton)
    if tall is None or tall < height / 3:
        return False
    upright = float((skeleton["nose"] - skeleton.middle("hip")) @ up)
    return upright > 0.15 * tall and bool(np.median(skeleton.confidence) > 0.3)
