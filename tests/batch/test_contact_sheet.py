from __future__ import annotations

import base64
import hashlib
import json
import math
import re
import time
from html.parser import HTMLParser
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch.jobs import FAILURES, a_night, done, failed, refused, running, summary_of, waiting
from bodyscan.batch.contact_sheet import contact_sheet
from bodyscan.batch.job import ErrorKind, Job, JobError, JobState, Output
from bodyscan.body.measurements import DEFINITIONS

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "//elsewhere.example/x",
    "https://elsewhere.example/x",
    "\\\\elsewhere.example\\x",
    "../../etc/passwd",
    "a/%2e%2e/%2E%2e/b",
    "</td></tr></table>",
    "</style><style>*{display:none}",
    "&lt;b&gt;",
    "line\nbreak\r\nand\ttab",
    "\u202etxt.exe \u200f\u2066",
    "nul\x00 and \x1b[2J",
    "half a pair \ud800",
    "\u0645\u0631\u064a\u0645 \u05e9\u05dc\u05d5\u05dd",
)
PLACE = "file:///batch/out/index.html"


class Page(HTMLParser):
    """The page as a browser would see it: its tags, and the text of each scan's cells."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[dict] = []
        self.text = ""
        self._part = ""
        self._in_row = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.tags.append((tag, values))
        if tag == "tr" and "data-v" in values:
            self._in_row = True
            data = json.loads(values["data-v"] or "")
            row = {"kind": values["class"], "values": data, "cells": [], "links": [], "images": []}
            self.rows.append(row)
        elif self.rows and tag in ("td", "th"):
            self.rows[-1]["cells"].append("")
        elif self.rows and tag == "a":
            self.rows[-1]["links"].append(values["href"])
        elif self.rows and tag == "img":
            self.rows[-1]["images"].append(values)
        self._part = tag

    def handle_endtag(self, tag):
        self._in_row = self._in_row and tag != "tr"

    def handle_data(self, data):
        if self._part not in ("style", "script"):
            self.text += data
        if self._in_row and self.rows[-1]["cells"]:
            self.rows[-1]["cells"][-1] += data

    def row(self, id: str) -> dict:
        return next(row for row in self.rows if row["values"][0] == id)


def html_of(jobs: list[Job], pictures: dict[str, str] | None = None, title: str = "Night", **changes) -> str:
    summary = summary_of(jobs, **changes)
    return contact_sheet(jobs, summary, title=title, date="4 May 2026", pictures=pictures or {})


def page_of(jobs: list[Job], pictures: dict[str, str] | None = None, **changes) -> Page:
    return Page(html_of(jobs, pictures, **changes))


def test_failed_ones_stand_first_then_refused_then_unfinished_then_done_in_the_manifests_order():
    jobs = [
        done("b", 0), waiting("w", 1), failed("f2", 3), done("a", 4), refused("r", 5), failed("f1", 2),
        running("x", 6),
    ]  # fmt: skip
    page = page_of(jobs)
    assert [row["values"][0] for row in page.rows] == ["f1", "f2", "r", "w", "x", "b", "a"]
    kinds = ["failed", "failed", "refused", "unfinished", "unfinished", "done", "done"]
    assert [row["kind"] for row in page.rows] == kinds


def test_a_finished_scan_shows_its_figures_its_files_and_its_picture():
    job = done(
        "woman",
        seconds=41.23,
        attempts=2,
        peak_memory_bytes=1_100_000_000,
        quality={"surface_mean_mm": 0.591, "surface_p95_mm": 1.62, "coverage": 0.973, "acceptable": True},
        measurements_cm={"stature": 168.24, "bust_girth": 92.0, "waist_girth": 74.46, "hip_girth": 98.9},
        warnings=("The hair hides the neck.", "Cold light."),
    )
    row = page_of([job], {"woman": "woman/picture.png"}).row("woman")
    figures = ["0.59", "1.62", "97", "168.2", "92.0", "74.5", "98.9", "41.2 s", "2", "1.1 GB"]
    assert row["cells"][3:13] == figures
    assert row["cells"][13] == "twin 18.2 MB vrm 17.9 MB fbx 22.1 MB report 2.3 MB"
    assert row["cells"][14] == "2 warningsThe hair hides the neck.Cold light."
    report, *files = row["links"]
    assert report == "./woman/report.html"
    names = ["./woman/woman.glb", "./woman/woman.vrm", "./woman/woman.fbx", "./woman/report.html"]
    assert files == names
    (image,) = row["images"]
    assert (image["src"], image["loading"]) == ("./woman/picture.png", "lazy")
    assert image["alt"] == "Synthetic digital twin of Person 1"


def test_the_girths_are_named_as_the_measurements_are():
    names = {definition.name for definition in DEFINITIONS}
    assert set(done().measurements_cm) <= names
    values = page_of([done()]).row("woman")["values"]
    assert all(value is not None for value in values[3:10])


def test_a_failed_scan_says_why_in_full():
    message = "First line: it is cut.\nSecond line: export it again. " + "x" * 3000
    row = page_of([failed(error=JobError(ErrorKind.INPUT, message))]).row("cut")
    assert row["cells"][-1] == f"Input. {message}"
    assert row["cells"][0] == "No picture: no twin was made"


def test_what_no_consent_covers_is_not_shown_though_it_is_still_known():
    page = page_of([refused("gone")], {"gone": "gone/picture.png"})
    row = page.row("gone")
    assert row["cells"][0] == "No picture: the consent does not allow it"
    assert row["cells"][3:10] == [""] * 7
    assert row["values"][3:10] == [None] * 7
    assert row["values"][13] is None
    assert (row["images"], row["links"]) == ([], [])
    assert "withdrawn on 3 May 2026" in row["cells"][-1]


@pytest.mark.parametrize(
    ("job", "words"),
    [
        (waiting("x"), "No picture yet: it waits for its turn"),
        (running("x"), "No picture yet: it is being made"),
        (running("x", state=JobState.PUBLISHING), "No picture yet: its files are on their way"),
        (done("x"), "No picture was made"),
    ],
)
def test_where_there_is_no_picture_the_page_says_why(job, words):
    assert page_of([job]).row("x")["cells"][0] == words


def test_a_running_scan_names_its_stage():
    assert page_of([running()]).row("busy")["cells"][2] == "runningfit 5 of 12"


def test_the_header_counts():
    jobs = [done("a", 0), done("b", 1), failed("c", 2), failed("d", 3, FAILURES[2]), refused("e", 4),
            running("f", 5), waiting("g", 6), waiting("h", 7)]  # fmt: skip
    text = page_of(jobs).text
    for words in (
        "Batch of 8 scans", "3 of 8 scans unfinished", "Failed2 1 input, 1 memory limit",
        "Refused1 by the consent", "Waiting2 1 in work", "Time12 min 34 s about 9 min left", "Peak memory1.",
    ):  # fmt: skip
        assert words in text
    ended = page_of(jobs[:5], left_s=None).text
    assert "3 of 5 scans without a twin" in ended
    assert "left" not in ended
    assert "All done: 1 scan" in page_of([done()]).text


def test_the_page_says_that_its_pictures_are_synthetic_and_which_scans_are_a_demonstration():
    page = page_of([done("a", 0, demo=True), done("b", 1, demo=False), failed("c", 2, demo=True)])
    assert "All pictures on this page show synthetic digital twins" in page.text
    assert "2 scans of sample data: the record is a demonstration's" in page.text
    assert "DEMO" in page.row("a")["cells"][1]
    assert "DEMO" in page.row("c")["cells"][1]
    assert "DEMO" not in page.row("b")["cells"][1]
    assert "DEMO" not in page_of([done("b", demo=False)]).text


def test_a_batch_without_scans_is_a_page():
    page = page_of([])
    assert "The batch has no scans." in page.text
    assert page.rows == []


def test_numbers_that_are_none_are_left_out():
    job = done(quality={"surface_mean_mm": math.nan, "coverage": math.inf}, measurements_cm={})
    row = page_of([job]).row("woman")
    assert row["cells"][3:10] == [""] * 7
    assert row["values"][3:10] == [None] * 7


def test_without_the_script_what_needs_it_is_hidden_and_the_list_is_there():
    page = page_of([done()])
    hidden = [values for tag, values in page.tags if "script" in (values.get("class") or "").split()]
    assert len(hidden) == 4
    assert all("hidden" in values for values in hidden)
    assert len(page.rows) == 1


def check_harmless(text: str) -> Page:
    """Whatever was given, the page is made of our tags alone and leads nowhere but below its folder."""
    text.encode("utf-8")
    page = Page(text)
    honest = html_of([with_everywhere("fine"), running("r", 1)], {"fine": "fine.png"})
    ours = {tag for tag, _ in Page(honest).tags}
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert [tag for tag, _ in page.tags].count("style") == 1
    for tag, values in page.tags:
        assert not [name for name in values if name.startswith("on") or name == "style"]
        assert tag in ours
        for name in ("href", "src"):
            if name in values:
                target = urlsplit(urljoin(PLACE, values[name] or ""))
                assert target.scheme == "file"
                assert target.netloc == ""
                assert target.path.startswith("/batch/out/")
                assert ".." not in unquote(target.path).split("/")
    assert not re.search("[\u200e\u200f\u202a-\u202e\u2066-\u2069\x00\x1b]", text)
    return page


def with_everywhere(text: str) -> Job:
    """A scan that says this text wherever a text can stand."""
    return done(
        text,
        person=text,
        error=JobError(ErrorKind.BUG, text),
        warnings=(text,),
        outputs=(Output(text, text, "a" * 64, 1), Output("report", f"{text}/report.html", "b" * 64, 1)),
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_are_text(text):
    page = check_harmless(html_of([with_everywhere(text)], {text: text}, title=text))
    assert len(page.rows) == 1


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet=st.characters(), min_size=1, max_size=40))
def test_no_text_breaks_out_of_the_page(text):
    job = with_everywhere(text)
    page = check_harmless(html_of([job, running("r", 1, stage=text)], {text: text}, title=text))
    assert [row["kind"] for row in page.rows] == ["unfinished", "done"]


def test_a_name_that_is_odd_but_honest_still_leads_to_its_file():
    job = done("x", outputs=(Output("twin", "Zoë & co/50% #1?.glb", "a" * 64, 1),))
    (link,) = page_of([job]).row("x")["links"]
    assert link == "./Zo%C3%AB%20%26%20co/50%25%20%231%3F.glb"
    assert unquote(link) == "./Zoë & co/50% #1?.glb"


def test_a_place_outside_the_folder_is_no_link():
    row = page_of([done("x", outputs=(Output("twin", "../x.glb", "a" * 64, 1),))]).row("x")
    assert row["links"] == []
    assert "twin 1 byte" in row["cells"][13]


def test_the_policy_allows_this_script_and_this_style_alone():
    text = html_of([done()])
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', text)
    for tag in ("script", "style"):
        (inner,) = re.findall(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inner.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'; img-src 'self' file:;")
    assert not re.search(r"https?://", text)


def test_the_same_batch_gives_the_same_page():
    assert html_of(a_night(50)) == html_of(a_night(50))


@pytest.mark.slow
def test_a_page_of_5000_scans_is_small_and_quick():
    jobs = a_night(5000)
    pictures = {job.id: f"{job.id}/picture.png" for job in jobs}
    start = time.perf_counter()
    text = html_of(jobs, pictures)
    assert time.perf_counter() - start < 10
    assert len(text) < 8_000_000
    assert text.count('loading="lazy"') > 4000
