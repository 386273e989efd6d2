from __future__ import annotations

from concurrent.futures import Future
from typing import Any

import pytest

from bodyscan.batch.hands import LOST, answer_of, numbers
from bodyscan.errors import InputError


def test_the_answer_of_an_attempt_is_what_it_returned():
    future: Future[Any] = Future()
    future.set_result({"error": None, "files": [1]})
    assert answer_of(future) == {"error": None, "files": [1]}


@pytest.mark.parametrize("name", LOST)
def test_an_attempt_that_a_cluster_lost_may_be_made_again(name):
    future: Future[Any] = Future()
    future.set_exception(type(name, (Exception,), {})("tcp://10.0.0.1:9"))
    error = answer_of(future)["error"]
    assert error["kind"] == "killed"
    assert error["message"] == "The cluster lost it: the worker that made it went away (tcp://10.0.0.1:9)."


def test_an_attempt_that_was_cancelled_is_lost_and_no_error_of_ours():
    future: Future[Any] = Future()
    assert future.cancel()
    answer = answer_of(future)
    assert answer["error"]["kind"] == "killed"
    assert (answer["files"], answer["place"]) == ([], "")


@pytest.mark.parametrize(("error", "kind"), [(KeyError("x"), "bug"), (InputError("bad"), "input")])
def test_another_error_of_the_executor_says_of_which_type_it_is(error, kind):
    future: Future[Any] = Future()
    future.set_exception(error)
    told = answer_of(future)["error"]
    assert told["kind"] == kind
    assert told["message"].startswith(type(error).__name__)


def test_of_a_quality_the_numbers_are_kept():
    assert numbers({"mean": 1.5, "count": 2, "ok": True, "why": "far", "none": None}) == {
        "mean": 1.5, "count": 2, "ok": True,
    }  # fmt: skip
