from __future__ import annotations

import json

from bodyscan.cli.output import print_result


def test_rows_line_up_and_json_is_json(capsys):
    print_result({"a": 1}, [("a", "one"), ("longer", "two")], as_json=False)
    assert capsys.readouterr().out == "a       one\nlonger  two\n"
    print_result({"a": "ä"}, [], as_json=True)
    assert json.loads(capsys.readouterr().out) == {"a": "ä"}


def test_text_out_of_files_cannot_steer_the_terminal(capsys):
    print_result({}, [("note", "fine \x1b[2J and \u202ereversed")], as_json=False)
    out = capsys.readouterr().out
    assert out == "note  fine \\x1b[2J and \\u202ereversed\n"
