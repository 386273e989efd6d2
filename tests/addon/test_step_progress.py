"""How far a step is: never back, never done before it is, and better the next time."""

from __future__ import annotations

import pytest

from addon.outside import outside

step_progress, step_events = outside("steps.step_progress"), outside("steps.step_events")
Stage = step_events.Stage


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def nothing_learned() -> None:
    step_progress._learned.clear()


def run(clock: object, time: Time, step: str, stages: dict[str, float], pieces: int = 20) -> list[float]:
    """Run a step and return the shares that were seen while it ran."""
    shares = []

    def pass_time(seconds: float) -> None:
        for _ in range(pieces):
            time.now += seconds / pieces
            shares.append(clock.share)

    clock.begin_step(step)
    pass_time(2.0)
    for name, seconds in stages.items():
        clock.take(Stage(name, False))
        pass_time(seconds)
        clock.take(Stage(name, True, seconds))
    shares.append(clock.share)
    clock.end_step()
    return shares


@pytest.mark.parametrize("factor", [0.1, 1.0, 30.0])
def test_it_never_goes_back_and_never_stands_at_the_end_before_it_is_there(factor: float) -> None:
    time = Time()
    clock = step_progress.StepClock(["scan", "fit"], time)
    stages = {
        step: {n: factor * s for n, s in step_progress.SECONDS[step].items()} for step in ("scan", "fit")
    }
    shares = run(clock, time, "scan", stages["scan"])
    middle = clock.share
    shares += run(clock, time, "fit", stages["fit"])
    assert shares == sorted(shares)
    assert 0 < middle < 1
    assert max(shares[:-1]) < 1
    assert clock.share == pytest.approx(1.0)


def test_stages_that_nobody_expected_and_those_that_do_not_come_do_no_harm() -> None:
    time = Time()
    clock = step_progress.StepClock(["scan"], time)
    shares = run(clock, time, "scan", {"read": 1.0, "frames": 10.0, "poses": 20.0})
    assert shares == sorted(shares)
    assert clock.share == pytest.approx(1.0)


def test_a_step_that_is_not_known_has_a_progress_too() -> None:
    time = Time()
    clock = step_progress.StepClock(["dance"], time)
    shares = run(clock, time, "dance", {"waltz": 5.0})
    assert shares == sorted(shares)
    assert 0 <= min(shares) <= max(shares) <= 1


def test_what_a_stage_took_is_remembered_for_the_next_time() -> None:
    def half_way() -> float:
        time = Time()
        clock = step_progress.StepClock(["fit"], time)
        clock.begin_step("fit")
        clock.take(Stage("fit", False))
        time.now += 100.0
        clock.take(Stage("fit", True, 100.0))
        clock.take(Stage("measure", False))
        share = clock.share
        time.now += 100.0
        clock.take(Stage("measure", True, 100.0))
        clock.end_step()
        return share

    assert half_way() > 0.8, "the measurements take no time at first"
    assert half_way() == pytest.approx(0.5, abs=0.05)


def test_a_mesh_after_a_depth_capture_does_not_wait_for_the_stages_of_frames() -> None:
    time = Time()
    run(step_progress.StepClock(["scan"], time), time, "scan", {"read": 1, "frames": 50, "reconstruct": 9})
    clock = step_progress.StepClock(["scan"], time)
    shares = run(clock, time, "scan", {"read": 1.0, "reconstruct": 9.0})
    assert shares == sorted(shares)
    assert shares[-2] > 0.6, "the end of the last stage"


def test_every_stage_that_has_a_time_has_words() -> None:
    stages = {stage for step in step_progress.SECONDS.values() for stage in step}
    assert stages <= set(step_progress.STAGE_WORDS)
    clock = step_progress.StepClock(["fit"], Time())
    clock.begin_step("fit")
    assert clock.words == "starting bodyscan"
    clock.take(Stage("fit", False))
    assert clock.words == "fitting the body"
