"""A whole batch on one HTML page: every scan with its picture, state, figures and files.

The page holds its style and its script in itself and works without the script as a list; a policy in it
forbids everything else, so that nothing is asked of any server. Pictures and files are links relative to the
page. What comes out of files (ids, names, messages) is text here and never markup.
"""

from __future__ import annotations

import base64
import hashlib
import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from urllib.parse import quote

from bodyscan.batch.contact_sheet_style import CSS, SCRIPT
from bodyscan.batch.job import BatchSummary, Job, JobState, Output
from bodyscan.batch.words import (
    GROUPS,
    KIND_WORDS,
    by_urgency,
    bytes_words,
    group,
    left_words,
    number,
    plain,
    scans_words,
    seconds_words,
    stage_words,
    unfinished,
)
from bodyscan.render import report_html as html
from bodyscan.render.report_style import CSS as HOUSE_CSS

PICTURE_SIZE = (480, 640)
"""Width and height in pixels that room is kept for before a picture is loaded; others are cut to 3:4."""


@dataclass(frozen=True)
class _Column:
    """A number that a scan can be sorted by."""

    label: str
    unit: str
    value: Callable[[Job], float | None]
    text: Callable[[float], str]
    short: str = ""
    """The label on a card, where there is little room."""


def _of(name: str, factor: float = 1.0) -> Callable[[Job], float | None]:
    def value(job: Job) -> float | None:
        found = number(job, name)
        return None if found is None else found * factor

    return value


NUMBERS = (
    _Column("Surface mean", "mm", _of("surface_mean_mm"), lambda v: f"{v:.2f}", "Surface"),
    _Column("Surface p95", "mm", _of("surface_p95_mm"), lambda v: f"{v:.2f}", "p95"),
    _Column("Coverage", "%", _of("coverage", 100), lambda v: f"{v:.0f}"),
    _Column("Stature", "cm", _of("stature"), lambda v: f"{v:.1f}"),
    _Column("Chest", "cm", _of("bust_girth"), lambda v: f"{v:.1f}"),
    _Column("Waist", "cm", _of("waist_girth"), lambda v: f"{v:.1f}"),
    _Column("Hip", "cm", _of("hip_girth"), lambda v: f"{v:.1f}"),
    _Column("Time", "", lambda job: job.seconds or None, seconds_words),
    _Column("Tries", "", lambda job: float(job.attempts) if job.attempts else None, lambda v: f"{v:.0f}"),
    _Column(
        "Memory",
        "",
        lambda job: float(job.peak_memory_bytes) if job.peak_memory_bytes else None,
        lambda v: bytes_words(int(v)),
    ),
)
_OF_THE_BODY = {"Surface mean", "Surface p95", "Coverage", "Stature", "Chest", "Waist", "Hip"}
_FIRST_NUMBER = 4
"""The place of the first number among a row's cells, from 1: picture, name and state stand before."""
_TEXTS = ("Scan", "Person", "State")
_GROUP_WORDS = {"failed": "Failed", "refused": "Refused", "unfinished": "Unfinished", "done": "Done"}


def contact_sheet(
    jobs: Sequence[Job], summary: BatchSummary, *, title: str, date: str, pictures: Mapping[str, str]
) -> str:
    """Return the page: the batch's figures, then every scan: failed, refused, unfinished, done.

    `date` is the day and time as they shall be printed. `pictures` maps a job's id to the address of its
    picture, relative to the page: a labelled, watermarked PNG. A scan whose consent does not allow it (any
    more) is shown without picture, figures and files, whatever is still known of it.
    """
    ordered = by_urgency(jobs)
    rows = "\n".join(_row(job, pictures.get(job.id, "")) for job in ordered)
    body = [
        _header(jobs, summary, title, date),
        _bar(jobs),
        f'<div class="list"><table id="scans"><caption class="out">Every scan of the batch</caption>'
        f"<thead><tr>{_heads()}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>"
        if jobs
        else "<p>The batch has no scans.</p>",
        f"<footer>{escape(plain(title))}. Written by bodyscan on {escape(plain(date))}. "
        "The links lead to files beside this page; move them together.</footer>",
    ]
    return _page(title, body, script=SCRIPT if jobs else "")


def _page(title: str, body: Sequence[str], script: str) -> str:
    style = HOUSE_CSS + CSS + _labels()
    policy = (
        f"default-src 'none'; img-src 'self' file:; style-src {_hash(style)}; "
        f"script-src {_hash(script)}; base-uri 'none'; form-action 'none'"
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="robots" content="noindex">\n<meta name="referrer" content="no-referrer">\n'
        f"<title>{escape(plain(title))}</title>\n<style>{style}</style>\n"
        "</head>\n<body>\n<main>\n" + "\n".join(body) + f"\n</main>\n<script>{script}</script>\n"
        "</body>\n</html>\n"
    )


def _hash(text: str) -> str:
    """Name a style or script in the policy, which allows this one alone."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _labels() -> str:
    """Name each number on the cards by its column's place, rather than thousands of times in the page."""
    rules = []
    for place, column in enumerate(NUMBERS, start=_FIRST_NUMBER):
        cell = f"main:not(:has(#as-table:checked)) .n:nth-child({place})"
        rules.append(f'{cell}::before {{ content: "{column.short or column.label}"; }}')
        if column.unit:
            rules.append(f'{cell}::after {{ content: " {column.unit}"; }}')
    return "\n".join(rules) + "\n"


def _header(jobs: Sequence[Job], summary: BatchSummary, title: str, date: str) -> str:
    count = {name: 0 for name in GROUPS} | {"unfinished": unfinished(summary)}
    for state in (JobState.DONE, JobState.FAILED, JobState.REFUSED):
        count[state.value] = summary.counts.get(state, 0)
    without = count["failed"] + count["refused"]
    if count["unfinished"]:
        tone, verdict = "warn", f"{count['unfinished']} of {scans_words(summary.total)} unfinished"
    elif without:
        tone, verdict = "bad", f"{without} of {scans_words(summary.total)} without a twin"
    else:
        tone, verdict = "good", f"All done: {scans_words(summary.total)}"
    demos = sum(job.demo for job in jobs)
    demo = (
        f' <span class="demo">DEMO</span> {scans_words(demos)} of sample data: '
        "the record is a demonstration's and stands for no real consent."
        if demos
        else ""
    )
    return (
        f'<header>\n<p class="over">Batch of {scans_words(summary.total)} &middot; '
        f"{escape(plain(date))}</p>\n"
        f'<h1>{escape(plain(title))}</h1>\n<p class="verdict {tone}">{escape(verdict)}</p>\n'
        f"{html.tiles(_tiles(jobs, summary, count))}\n"
        '<p class="synthetic">All pictures on this page show synthetic digital twins, computed from scans. '
        f"None is a photograph.{demo}</p>\n</header>"
    )


def _tiles(
    jobs: Sequence[Job], summary: BatchSummary, count: Mapping[str, int]
) -> list[tuple[str, str, str]]:
    kinds = [job.error.kind for job in jobs if job.state is JobState.FAILED and job.error]
    why = ", ".join(f"{kinds.count(kind)} {KIND_WORDS[kind]}" for kind in KIND_WORDS if kind in kinds)
    running = summary.counts.get(JobState.RUNNING, 0) + summary.counts.get(JobState.PUBLISHING, 0)
    left = f"{left_words(summary.left_s)} left" if summary.left_s is not None and count["unfinished"] else ""
    means = [v for job in jobs if job.state is JobState.DONE and (v := number(job, "surface_mean_mm"))]
    tiles = [
        ("Done", str(count["done"]), f"of {summary.total}"),
        ("Failed", str(count["failed"]), why),
        ("Refused", str(count["refused"]), "by the consent" if count["refused"] else ""),
        ("Waiting", str(count["unfinished"] - running), f"{running} in work" if running else ""),
        ("Time", seconds_words(summary.elapsed_s), left or f"{summary.workers} at once"),
        (
            "Peak memory",
            bytes_words(summary.peak_memory_bytes) if summary.peak_memory_bytes else "\u2013",
            "of one scan",
        ),
    ]
    if means:
        tiles.append(("Surface mean", f"{statistics.median(means):.2f} mm", "median of all done"))
    return tiles


def _bar(jobs: Sequence[Job]) -> str:
    """What the list is steered with; all but the two views needs the script, which shows it."""
    if not jobs:
        return ""
    groups = [group(job.state) for job in jobs]
    choices = [("", "All", len(jobs))]
    choices += [(name, _GROUP_WORDS[name], groups.count(name)) for name in GROUPS if name in groups]
    radios = "".join(
        f'<label><input type="radio" name="group" value="{value}"{"" if value else " checked"}>{word} '
        f"<small>{count}</small></label>"
        for value, word, count in choices
    )
    sorts = "".join(f'<option value="{place}">{label}</option>' for place, label in _sorts())
    return (
        '<div class="bar" role="group" aria-label="How the scans are shown">\n'
        '<fieldset><legend class="out">View</legend>'
        '<label><input type="radio" name="view" id="as-cards" checked>Pictures</label>'
        '<label><input type="radio" name="view" id="as-table">Table</label></fieldset>\n'
        f'<fieldset class="groups script" hidden><legend class="out">Show</legend>{radios}</fieldset>\n'
        '<span class="sort script" hidden><label for="sort">Sort</label> '
        f'<select id="sort"><option value="-1">Failed first</option>{sorts}</select> '
        '<button type="button" id="turn" disabled>\u2191</button></span>\n'
        '<input class="script" hidden type="search" id="find" placeholder="Find\u2026" '
        'aria-label="Find in id, person, state and message" spellcheck="false" autocomplete="off">\n'
        '<output id="shown" class="script" hidden></output>\n</div>'
    )


def _sorts() -> list[tuple[int, str]]:
    return list(enumerate((*_TEXTS, *(column.label for column in NUMBERS), "Size of files")))


def _heads() -> str:
    """The table's head; the places in `data-c` are those of `_sort_values`."""
    numbers = "".join(
        f'<th scope="col" class="number" data-c="{place}">{column.label}'
        f"{f' <small>{column.unit}</small>' if column.unit else ''}</th>"
        for place, column in enumerate(NUMBERS, start=len(_TEXTS))
    )
    return (
        '<th scope="col"><span class="out">Picture</span></th><th scope="col" data-c="0">Scan</th>'
        f'<th scope="col" data-c="2">State</th>{numbers}'
        f'<th scope="col" class="files" data-c="{len(_TEXTS) + len(NUMBERS)}">Files</th>'
    )


def _row(job: Job, picture: str) -> str:
    sort_values = escape(json.dumps(_sort_values(job), separators=(",", ":")))
    numbers = "".join(_number(job, column) for column in NUMBERS)
    return (
        f'<tr class="{group(job.state)}" data-v="{sort_values}"><td>{_picture(job, picture)}</td>'
        f"{_name(job)}<td>{_state(job)}</td>{numbers}"
        f'<td class="files">{_files(job)}</td>{_said(job)}</tr>'
    )


def _sort_values(job: Job) -> list[str | float | None]:
    """One value a sortable column: null where there is none."""
    size = sum(output.size_bytes for output in _outputs(job))
    values = [_value(job, column) for column in NUMBERS]
    rounded = [None if value is None else round(value, 4) for value in values]
    return [job.id, job.person or None, GROUPS.index(group(job.state)), *rounded, size or None]


def _value(job: Job, column: _Column) -> float | None:
    if job.state is JobState.REFUSED and column.label in _OF_THE_BODY:
        return None
    return column.value(job)


def _number(job: Job, column: _Column) -> str:
    value = _value(job, column)
    # A card has no room for what is the same on nearly all of them.
    kind = "n once" if column.label == "Tries" and value == 1 else "n"
    return f'<td class="{kind}">{"" if value is None else column.text(value)}</td>'


def _outputs(job: Job) -> tuple[Output, ...]:
    return () if job.state is JobState.REFUSED else job.outputs


def _picture(job: Job, address: str) -> str:
    """The picture, which leads to the report, or why there is none."""
    source = _address(quote(address, safe="/%", errors="replace")) if address else ""
    if not source or job.state is JobState.REFUSED:
        return f'<div class="none">{_why_no_picture(job.state)}</div>'
    width, height = PICTURE_SIZE
    alt = escape(plain(f"Synthetic digital twin of {job.person or job.id}"))
    image = (
        f'<img src="{source}" loading="lazy" decoding="async" width="{width}" height="{height}" alt="{alt}">'
    )
    report = next((output for output in job.outputs if output.kind == "report"), None)
    target = _place(report.place) if report else ""
    return f'<a href="{target}" title="Open the report">{image}</a>' if target else image


def _why_no_picture(state: JobState) -> str:
    return {
        JobState.WAITING: "No picture yet: it waits for its turn",
        JobState.RUNNING: "No picture yet: it is being made",
        JobState.PUBLISHING: "No picture yet: its files are on their way",
        JobState.DONE: "No picture was made",
        JobState.FAILED: "No picture: no twin was made",
        JobState.REFUSED: "No picture: the consent does not allow it",
    }[state]


def _name(job: Job) -> str:
    demo = ' <small class="demo" title="Sample data, no real consent">DEMO</small>' if job.demo else ""
    person = f"<bdi>{escape(plain(job.person))}</bdi>" if job.person else ""
    second = f"<span>{person}{demo}</span>" if person or demo else ""
    return f'<th scope="row"><b><bdi>{escape(plain(job.id))}</bdi></b>{second}</th>'


def _state(job: Job) -> str:
    place = stage_words(job).removeprefix("stage ")
    words = f"{plain(job.stage)} {place}".strip() if job.state is JobState.RUNNING else ""
    at = f'<span class="at">{escape(words)}</span>' if words else ""
    return f'<span class="is">{job.state.value}</span>{at}'


def _said(job: Job) -> str:
    """The message in full, then the warnings, folded; no cell where there is nothing to say."""
    parts = []
    if job.error:
        kind = KIND_WORDS[job.error.kind]
        parts.append(f"<b>{kind[0].upper()}{kind[1:]}.</b> <bdi>{_lines(job.error.message)}</bdi>")
    if job.warnings and job.state is not JobState.REFUSED:
        count = len(job.warnings)
        items = "".join(f"<li><bdi>{_lines(warning)}</bdi></li>" for warning in job.warnings)
        title = f"{count} warning" if count == 1 else f"{count} warnings"
        parts.append(f"<details><summary>{title}</summary><ul>{items}</ul></details>")
    return f'<td class="said">{"".join(parts)}</td>' if parts else ""


def _lines(text: str) -> str:
    """Text whose line breaks stay."""
    return "\n".join(escape(plain(line)) for line in text.strip().splitlines())


def _files(job: Job) -> str:
    return " ".join(_file(output) for output in _outputs(job))


def _file(output: Output) -> str:
    label = f"{escape(plain(output.kind))} <small>{bytes_words(output.size_bytes)}</small>"
    target = _place(output.place)
    return f'<a href="{target}">{label}</a>' if target else f"<span>{label}</span>"


def _place(place: str) -> str:
    """The address of a file in the output folder; empty where its place leads out of it."""
    return _address(quote(place, safe="/", errors="replace"))


def _address(quoted: str) -> str:
    """A quoted address that can only lead below the page's folder, whatever it begins with; else empty.

    The leading `./` makes a path of what would be a scheme (`javascript:`) or another server (`//name`).
    """
    parts = quoted.lower().replace("%2e", ".").split("/")
    return "" if ".." in parts or not quoted else escape(f"./{quoted.lstrip('/')}")
