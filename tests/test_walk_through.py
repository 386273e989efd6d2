"""The walk through consent, `docs/consent.md`, as its reader runs it."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from bodyscan.cli.main import app
from bodyscan.consent.record import record_json_schema

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "consent.md").read_text(encoding="utf-8")
PAGE_YEAR = 2026
BLOCK_LIMIT_S = 1200


@dataclass(frozen=True)
class Step:
    """Commands of the page, and what they are said to print."""

    commands: str
    code: int
    """Exit code of the last command."""
    printed: tuple[str, ...]
    """Lines of the output, in order; others may stand between them. `...` stands for anything."""


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def steps() -> Iterator[Step]:
    """Yield the steps of the walk through. What the page says of its year holds in any year."""
    shift = datetime.now(UTC).year - PAGE_YEAR
    walk = re.sub(r"\b202\d\b", lambda year: str(int(year[0]) + shift), section("A walk through"))
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", walk, flags=re.DOTALL | re.MULTILINE)
    assert {kind for kind, _ in blocks} == {"sh", "text"}
    assert blocks[0][0] == "sh"
    for number, (kind, text) in enumerate(blocks):
        if kind == "text":
            assert blocks[number - 1][0] == "sh", f"nothing was run that prints:\n{text}"
            continue
        codes = re.findall(r"# exit code (\d+)$", text.rstrip("\n"), flags=re.MULTILINE)
        assert len(codes) <= 1, f"one refusal a block, at its end:\n{text}"
        assert not codes or text.rstrip("\n").endswith(f"# exit code {codes[0]}"), text
        following = blocks[number + 1] if number + 1 < len(blocks) else ("", "")
        printed = following[1].splitlines() if following[0] == "text" else []
        yield Step(text, int(codes[0]) if codes else 0, tuple(printed))


def in_order(wanted: tuple[str, ...], output: str) -> str:
    """Return the first wanted line that does not follow the ones before it; empty where all are there."""
    lines = iter([" ".join(line.split()) for line in output.splitlines()])
    for line in wanted:
        parts = [re.escape(part) for part in " ".join(line.split()).split("...")]
        pattern = ".*".join(parts)
        if not any(re.fullmatch(pattern, found) for found in lines):
            return line
    return ""


def test_lines_are_found_in_their_order_alone():
    output = "one  1 of 3\ntwo\nthree\n"
    assert in_order(("one 1 of ...", "three"), output) == ""
    assert in_order(("three", "two"), output) == "two"
    assert in_order(("one",), output) == "one"


def test_every_command_of_the_walk_through_is_one_that_bodyscan_has():
    told = set()
    for step in steps():
        text = re.sub(r"<<'END'\n.*?^END$", "", step.commands.replace("\\\n", " "), flags=re.DOTALL | re.M)
        for line in text.splitlines():
            words = shlex.split(line, comments=True)
            if words[:1] == ["bodyscan"]:
                told.add(parsed(words[1:]))
    assert {"twin", "render", "export", "mark detect", "ledger statement", "ledger check"} <= told
    assert {"consent sign", "consent verify", "consent withdraw", "consent erase"} <= told


def parsed(words: list[str]) -> str:
    """Return the command's name, its options and arguments taken by its own parser."""
    command: Any = get_command(app)
    names = []
    while hasattr(command, "get_command"):
        names.append(words[0])
        stand_in = command.get_command(None, words[0])
        assert stand_in is not None, names
        command, words = (stand_in.load() if hasattr(stand_in, "load") else stand_in), words[1:]
    command.make_context(names[-1], list(words))
    return " ".join(names)


@pytest.mark.slow
def test_the_walk_through_goes_as_the_page_says(tmp_path):
    (tmp_path / "sample_scans").symlink_to(ROOT / "sample_scans")
    bodyscan = Path(sys.executable).parent
    about = os.environ | {
        "PATH": f"{bodyscan}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "200",
        # Every command of the page says where its ledger is; one that does not fails here.
        "BODYSCAN_LEDGER": "/nowhere/ledger.sqlite",
    }
    about.pop("BODYSCAN_EVIDENCE", None)
    for step in steps():
        done = subprocess.run(
            ["bash", "-e", "-u", "-c", step.commands],
            cwd=tmp_path,
            env=about,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=BLOCK_LIMIT_S,
            check=False,
        )
        assert done.returncode == step.code, f"{step.commands}\n{done.stdout}"
        missing = in_order(step.printed, done.stdout)
        assert not missing, f"{step.commands}\nnot printed: {missing}\n{done.stdout}"
    # What was refused left nothing behind.
    assert not any((tmp_path / "studio" / name).exists() for name in ("poster.png", "another.png"))


def schema_fields() -> list[str]:
    """Every field of the record's published schema, by its path, as `subject.representation.name`."""
    schema = record_json_schema()

    def below(model: dict, path: str) -> Iterator[str]:
        for name, field in model.get("properties", {}).items():
            yield f"{path}{name}"
            for inner in (field, field.get("items", {}), *field.get("allOf", ())):
                if "$ref" in inner:
                    yield from below(schema["$defs"][inner["$ref"].rsplit("/", 1)[1]], f"{path}{name}.")

    return list(below(schema, ""))


def test_the_page_names_every_field_of_the_record():
    told = set(re.findall(r"`([a-z0-9_.]+)`", section("The record")))
    fields = [name for name in schema_fields() if not re.search(r"(public_key|issuer)\.", name)]
    assert len(fields) > 70
    assert [name for name in fields if name not in told] == []


def test_the_page_names_no_field_that_a_record_does_not_have():
    table = re.findall(r"^\| `([a-z0-9_.]+)` \|", section("The record"), flags=re.MULTILINE)
    assert sorted(set(table) - set(schema_fields())) == []
    assert len(set(table)) == len(table)


def test_the_page_names_every_word_of_the_record():
    told = set(re.findall(r"`([A-Za-z_]+)`", section("The record")))
    words = [
        word
        for model in record_json_schema()["$defs"].values()
        for word in model.get("enum", ())
        if isinstance(word, str)
    ]
    assert len(words) > 60
    assert [word for word in words if word not in told] == []
