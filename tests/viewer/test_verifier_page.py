from __future__ import annotations

import base64
import hashlib
import html
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from bodyscan.consent.fields import check_text
from bodyscan.consent.record import record_json_schema
from bodyscan.viewer.verifier_data import verifier_data
from bodyscan.viewer.verifier_page import SOURCES, join_modules, verifier_page
from gltf.tools import need_program
from viewer.node import call

MODULES = sorted(SOURCES.glob("*.js"))


@pytest.fixture(scope="module")
def page() -> str:
    return verifier_page()


def policy_of(page: str) -> dict[str, str]:
    found = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert found
    rules = (rule.split(" ", 1) for rule in html.unescape(found[1]).split("; "))
    return {name: value for name, value in rules}


def hash_of(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_the_page_stands_alone(page):
    assert page.startswith("<!doctype html>")
    assert not re.findall(r"<link|<img|<iframe|<base|<object|<embed|@import|url\(", page)
    assert not re.findall(r"""\b(?:src|href)=["'](?!#)""", page)
    assert not re.findall(r"\bfetch\(|XMLHttpRequest|WebSocket|EventSource|sendBeacon|importScripts", page)
    assert not re.findall(
        r"\beval\(|new Function|innerHTML|outerHTML|insertAdjacentHTML|document\.write", page
    )
    assert "{{" not in page.split("<script")[0]
    assert len(page.encode()) < 500_000


def test_the_policy_allows_this_script_and_style_and_no_connection(page):
    policy = policy_of(page)
    (script,) = re.findall(r"<script[^>]*>(.*?)</script>", page, re.DOTALL)
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    assert policy == {
        "default-src": "'none'",
        "script-src": hash_of(script),
        "style-src": hash_of(style),
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert not re.findall(r'<[a-z][^>]*\s(?:on[a-z]+|style)="', page)


def test_the_same_package_gives_the_same_page(page):
    assert verifier_page() == page


def test_the_page_names_its_landmarks_and_its_buttons(page):
    for landmark in ("<header", "<main", "<aside", "<footer"):
        assert page.count(landmark) == 1
    assert '<button type="button" class="drop" id="drop"' in page
    assert '<html lang="en">' in page
    labels = set(re.findall(r'\bfor="([\w-]+)"', page))
    assert labels <= set(re.findall(r'\bid="([\w-]+)"', page))


def test_modules_are_small_and_say_what_they_are():
    assert len(MODULES) > 30
    for path in MODULES:
        lines = path.read_text(encoding="utf-8").splitlines()
        assert len(lines) <= 400, path.name
        assert max(map(len, lines)) <= 110, path.name
        assert lines[0].startswith("/**"), path.name


def test_every_module_is_in_the_page(page):
    assert [path.name for path in MODULES if f"const module_{path.stem} = (" not in page] == []


def test_the_wheel_holds_every_part_of_the_page():
    from hatchling.builders.wheel import WheelBuilder

    root = Path(__file__).resolve().parents[2]
    held = {file.distribution_path for file in WheelBuilder(str(root)).recurse_included_files()}
    parts = [path for path in SOURCES.iterdir() if path.is_file()]
    assert {path.suffix for path in parts} == {".js", ".css", ".html"}
    assert [path.name for path in parts if f"bodyscan/viewer/verifier/{path.name}" not in held] == []


@pytest.mark.node
def test_the_joined_script_is_sound_javascript(tmp_path, page):
    (script,) = re.findall(r"<script[^>]*>(.*?)</script>", page, re.DOTALL)
    path = tmp_path / "page.mjs"
    path.write_text(script)
    done = subprocess.run(
        [need_program("node"), "--check", path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture
def joined(tmp_path: Path) -> Callable[..., str]:
    """Return a function that joins modules given as texts, `a` being the first."""

    def join(**texts: str) -> str:
        for name, text in texts.items():
            (tmp_path / f"{name}.js").write_text(text)
        return join_modules("a.js", tmp_path)

    return join


@pytest.mark.node
def test_joined_modules_do_what_they_do_apart(joined):
    script = joined(
        a='import { two,\n  Three } from "./b.js";\nimport { one } from "./c.js";\n'
        "console.log(one, two(), new Three().x);\n",
        b='import { one } from "./c.js";\nconst hidden = 1;\nexport function two() {\n'
        "  return one + hidden;\n}\nexport class Three {\n  x = 3;\n}\n",
        c="const hidden = 1;\nexport const one = hidden;\n",
    )
    done = subprocess.run([need_program("node"), "-e", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('import x from "./b.js";\n', "not understood: import x"),
        ('export { x } from "./b.js";\n', "not understood: export"),
        ("export default 1;\n", "not understood: export default"),
        ('import { x } from "./a.js";\n', "in a circle: a.js -> a.js"),
        ("const x = '</script>';\n", "would end the script"),
    ],
)
def test_what_cannot_be_joined_is_refused(joined, text, reason):
    with pytest.raises(ValueError, match=re.escape(reason)):
        joined(a=text, b="export const x = 1;\n")


def test_the_schemas_are_the_packages():
    schemas = verifier_data()["schemas"]
    assert schemas["record"] == record_json_schema()
    assert {"seal", "record_sha256", "created_at"} <= set(schemas["binding"]["required"])
    assert "scan_sha256" not in schemas["binding"]["required"]
    assert "null" not in str(schemas)


TEXTS = [
    "Anna",
    "Łódź",
    "東京",
    "a\u200bb",
    "a\u00adb",
    "a\ue000b",
    "a\u0378b",
    "\U0001f600",
    "a\U000e0001b",
    "Аnna",
    "Ωa",
]


@pytest.mark.node
def test_texts_are_judged_as_the_package_judges_them():
    def is_sound(text: str) -> bool:
        try:
            check_text(text)
        except ValueError:
            return False
        return True

    texts = TEXTS + [
        chr(code) for code in (*range(0x20, 0x250), *range(0x370, 0x600), 0x13A0, 0x2C80, 0xA4D0)
    ]
    found = call("fields.js", "checkText", *[[text] for text in texts])
    page = {text: "error" not in result for text, result in zip(texts, found, strict=True)}
    assert page == {text: is_sound(text) for text in texts}


@pytest.mark.node
def test_a_keyword_that_the_page_does_not_know_is_no_rule_passed_over():
    found = call("schema.js", "check", [1, {"type": "integer", "multipleOf": 2}])
    assert "multipleOf, which this page does not know" in found[0]["error"]
