from __future__ import annotations

import math

import pytest

from batch.jobs import done, failed, refused, running, waiting
from bodyscan.batch.job import ErrorKind
from bodyscan.batch.words import (
    KIND_WORDS,
    by_urgency,
    bytes_words,
    first_line,
    left_words,
    number,
    one_line,
    plain,
    seconds_words,
    stage_words,
)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0.0 s"), (-1, "0.0 s"), (41.23, "41.2 s"), (99.94, "99.9 s"), (99.96, "1 min 40 s"),
        (3599.4, "59 min 59 s"), (3599.6, "1 h 00 min"), (11_220, "3 h 07 min"), (187_200, "2 d 04 h"),
        (math.nan, "?"),
    ],
)  # fmt: skip
def test_durations_in_words(seconds, words):
    assert seconds_words(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (12, "under a minute"), (540, "about 9 min"), (3590, "about 1 h 00 min"),
        (11_500, "about 3 h 10 min"), (260_000, "about 3 days"), (math.inf, "?"),
    ],
)  # fmt: skip
def test_a_time_that_is_left_is_told_no_finer_than_it_is_known(seconds, words):
    assert left_words(seconds) == words


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 bytes"), (1, "1 byte"), (1500, "2 kB"), (18_240_000, "18.2 MB"), (400_000_000, "400 MB"),
        (1_140_000_000, "1.1 GB"),
    ],
)  # fmt: skip
def test_sizes_in_words(count, words):
    assert bytes_words(count) == words


def test_text_is_written_out_where_it_could_steer():
    assert plain("fine \x1b[2J\u202e\nx") == "fine \\x1b[2J\\u202e\\nx"
    assert one_line(" a\n\n b\tc ") == "a b c"
    assert first_line("\n \n first \x07\nsecond") == "first \\x07"
    assert first_line("") == ""


def test_every_kind_of_error_has_words():
    assert set(KIND_WORDS) == set(ErrorKind)


def test_what_needs_an_eye_comes_first():
    jobs = [done("a", 0), waiting("b", 1), refused("c", 2), failed("d", 4), running("e", 5), failed("f", 3)]
    assert [job.id for job in by_urgency(jobs)] == ["f", "d", "c", "b", "e", "a"]


def test_a_number_is_found_in_quality_or_measurements():
    job = done(quality={"coverage": 0.9}, measurements_cm={"stature": 170.0, "hip_girth": math.nan})
    found = [number(job, name) for name in ("coverage", "stature", "hip_girth", "none")]
    assert found == [0.9, 170.0, None, None]


def test_the_last_stage_is_not_counted_beyond_the_end():
    assert stage_words(running(stages_done=4, stages_total=12)) == "stage 5 of 12"
    assert stage_words(running(stages_done=12, stages_total=12)) == "stage 12 of 12"
    assert stage_words(running(stages_total=0)) == ""
