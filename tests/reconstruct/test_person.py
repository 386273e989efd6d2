"""What is no whole, standing person is refused, and the message says what was seen."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import trimesh

from bodyscan.errors import InputError
from bodyscan.reconstruct.landmarks import LandmarkOptions, detect_landmarks
from bodyscan.reconstruct.person import PersonOptions, require_whole_person
from bodyscan.types import Landmarks, Mesh

FAST = LandmarkOptions(hands=False, face=False)


@pytest.fixture
def judge(detector) -> Callable[[Mesh], tuple[str, ...]]:
    def judged(mesh: Mesh) -> tuple[str, ...]:
        found = detect_landmarks(mesh, FAST, detector=detector)
        return require_whole_person(mesh, found, detector=detector)

    return judged


def part(mesh: Mesh, kept: np.ndarray) -> Mesh:
    index = np.cumsum(kept) - 1
    return Mesh(mesh.vertices[kept], index[mesh.faces[kept[mesh.faces].all(axis=1)]])


def shifted(mesh: Mesh, x: float, z: float = 0.0) -> Mesh:
    return Mesh(mesh.vertices + np.array([x, 0, z]), mesh.faces)


def two(first: Mesh, second: Mesh) -> Mesh:
    return Mesh(
        np.concatenate([first.vertices, second.vertices]),
        np.concatenate([first.faces, second.faces + len(first.vertices)]),
    )


def test_a_whole_person_passes_without_remarks(person, judge):
    assert judge(person) == ()


def test_a_person_without_a_crown_and_with_holes_passes(person, judge):
    random = np.random.default_rng(0)
    centres = person.vertices[random.integers(len(person.vertices), size=12)]
    away = np.linalg.norm(person.vertices[:, None] - centres[None], axis=2).min(axis=1)
    assert (
        judge(part(person, (person.vertices[:, 1] < 0.95 * person.vertices[:, 1].max()) & (away > 0.03)))
        == ()
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("low", "high", "message"),
    [
        (0.86, 1.01, r"head alone|a face was seen but no body"),
        (0.72, 1.01, r"shoulders alone|upper body alone|a face was seen but no body"),
        (0.50, 1.01, r"alone.*missing: .*feet"),
        (0.20, 1.01, r"cut off.*missing: feet"),
        (-0.01, 0.84, r"body without a head|No whole person was recognised"),
    ],
)
def test_a_part_of_a_person_is_refused_and_named(person, judge, low, high, message):
    level = person.vertices[:, 1] / person.vertices[:, 1].max()
    with pytest.raises(InputError, match=message):
        judge(part(person, (level > low) & (level < high)))


@pytest.mark.slow
def test_a_missing_arm_is_noted_and_not_refused(person, judge):
    notes = judge(part(person, person.vertices[:, 0] > -0.16 * person.vertices[:, 1].max()))
    assert len(notes) == 1
    assert "right hand was not seen" in notes[0]


@pytest.mark.slow
@pytest.mark.parametrize("distance_m", [0.9, 1.6])
def test_two_people_are_refused(person, judge, distance_m):
    with pytest.raises(InputError, match="two or more people"):
        judge(two(shifted(person, -distance_m / 2), shifted(person, distance_m / 2)))


@pytest.mark.slow
def test_a_person_behind_another_is_refused(person, judge):
    with pytest.raises(InputError, match="two or more people"):
        judge(two(person, shifted(person, 0.1, -0.7)))


@pytest.mark.slow
@pytest.mark.parametrize("lies", [False, True])
def test_a_small_or_lying_second_person_is_refused_where_they_are_looked_for(person, detector, lies):
    turned = person.vertices @ np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0]]) if lies else 0.45 * person.vertices
    other = Mesh(turned + np.array([1.6, 0.2, 0]), person.faces)
    found = detect_landmarks(person, FAST, detector=detector)
    with pytest.raises(InputError, match="two or more people"):
        require_whole_person(two(person, other), found, PersonOptions(other_share=0.05), detector=detector)


@pytest.mark.slow
def test_a_stand_beside_the_person_is_noted(person, judge):
    box = trimesh.creation.box((1.2, 1.0, 0.6)).subdivide().subdivide().subdivide()
    notes = judge(two(person, Mesh(box.vertices + np.array([1.6, 0.5, 0]), box.faces)))
    assert any("was not recognised as another person" in note for note in notes)


def test_things_are_refused(judge):
    for shape in (trimesh.creation.torus(0.5, 0.2), trimesh.creation.icosphere(4)):
        with pytest.raises(InputError, match="No whole person was recognised"):
            judge(Mesh(shape.vertices, shape.faces))


def test_a_figure_without_landmarks_passes_by_its_slices_with_a_warning(capsule_person, detector):
    notes = require_whole_person(capsule_person, None, detector=detector)
    assert "passes because its slices" in notes[0]


def test_an_empty_scan_is_refused(detector):
    with pytest.raises(InputError, match="holds 0 points: too few for a person"):
        require_whole_person(Mesh(np.zeros((0, 3)), np.zeros((0, 3))), None, detector=detector)
    with pytest.raises(InputError, match="reach must lie in"):
        PersonOptions(reach=0)


def test_a_seated_person_is_refused_unless_allowed(person, detector):
    found = detect_landmarks(person, FAST, detector=detector)
    assert found is not None
    positions = found.positions.copy()
    thigh = 0.4
    for side in ("left", "right"):
        hip, knee, ankle = (found.names.index(f"{side}_{p}") for p in ("hip", "knee", "ankle"))
        positions[knee] = positions[hip] + [0, 0, thigh]
        positions[ankle] = positions[knee] - [0, thigh, 0]
    # A crowd of points keeps every landmark near the surface: the rule alone is looked at.
    cloud = np.concatenate([person.vertices, np.repeat(positions, 20, axis=0)])
    seated = Landmarks(found.names, positions, np.ones(len(found.names)), found.kind)
    with pytest.raises(InputError, match="seems to sit, squat or kneel"):
        require_whole_person(Mesh(cloud, np.zeros((0, 3))), seated, detector=detector)
    allowed = PersonOptions(allow_seated=True)
    assert require_whole_person(Mesh(cloud, np.zeros((0, 3))), seated, allowed, detector=detector) == ()
