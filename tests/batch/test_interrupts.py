"""A signal is taken where it is asked for, and a second one at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable

import pytest

from bodyscan.batch.interrupts import NUMBERS, Interrupts


@pytest.fixture(autouse=True)
def as_a_command_has_them():
    before = {number: signal.getsignal(number) for number in NUMBERS}
    for number in NUMBERS:
        signal.signal(number, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def send(*numbers: int) -> None:
    for number in numbers:
        os.kill(os.getpid(), number)


def under_watch(*steps: Callable[[Interrupts], object]) -> list[int]:
    """Do steps one after the other; return which were done. A `KeyboardInterrupt` ends them."""
    done: list[int] = []
    try:
        with Interrupts() as interrupts:
            for number, step in enumerate(steps):
                step(interrupts)
                done.append(number)
    except KeyboardInterrupt:
        done.append(-1)
    return done


@pytest.mark.parametrize("number", NUMBERS)
def test_a_signal_waits_until_it_is_asked_for(number):
    done = under_watch(
        Interrupts.check, lambda _: send(number), lambda _: None, Interrupts.check, lambda _: None
    )
    assert done == [0, 1, 2, -1]
    assert signal.getsignal(number) is signal.default_int_handler


def test_a_second_one_does_not_wait():
    assert under_watch(lambda _: None, lambda _: send(signal.SIGINT, signal.SIGTERM)) == [0, -1]


def test_one_that_nobody_asked_for_is_raised_at_the_end():
    assert under_watch(lambda _: send(signal.SIGINT), lambda _: None) == [0, 1, -1]


def test_another_error_is_not_replaced():
    with pytest.raises(ZeroDivisionError):
        under_watch(lambda _: send(signal.SIGINT), lambda _: 1 / 0)


def test_what_is_ignored_stays_ignored_and_other_threads_change_nothing():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with Interrupts() as interrupts:
        os.kill(os.getpid(), signal.SIGTERM)
        interrupts.check()

    def inside() -> None:
        with Interrupts() as interrupts:
            seen.append(signal.getsignal(signal.SIGINT))
            interrupts.check()

    seen = []
    thread = threading.Thread(target=inside)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]
