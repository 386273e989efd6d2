from __future__ import annotations

import pytest
import typer
from typer.testing import CliRunner

from bodyscan.cli.errors import list_hint, run_guarded
from bodyscan.consent.state import ConsentState, RefusedConsent
from bodyscan.errors import ConsentError, InputError, MissingExtraError, StageError

app = typer.Typer()
CHECK = "Check the path, its permissions and the free space.\n"
RAISED = {
    "input": InputError("no file"),
    "consent": ConsentError("no consent"),
    "stage": StageError("no result"),
    "extra": MissingExtraError("no bpy"),
    "interrupt": KeyboardInterrupt(),
    "system": OSError(28, "No space left on device", "/a/twin.glb"),
    "nameless": OSError(28, "No space left on device"),
    "bug": ZeroDivisionError("oops"),
}


@app.command()
@run_guarded
def fail(what: str, times: int = 1) -> None:
    """Raise what is named."""
    if what == "nothing":
        typer.echo(f"done {times}")
        return
    raise RAISED[what]


@pytest.mark.parametrize(
    ("what", "code", "said"),
    [
        ("input", 3, "error: no file\n"),
        ("consent", 4, "error: no consent\n"),
        ("stage", 5, "error: no result\n"),
        ("extra", 5, "error: no bpy\n"),
        ("system", 3, "error: /a/twin.glb: No space left on device. " + CHECK),
        ("nameless", 3, "error: a file could not be read or written: No space left on device. " + CHECK),
        ("interrupt", 130, "interrupted\n"),
    ],
)
def test_each_error_has_its_exit_code_and_one_line(what: str, code: int, said: str) -> None:
    result = CliRunner().invoke(app, [what])
    assert (result.exit_code, result.stderr, result.stdout) == (code, said, "")


def test_success_and_options_pass_through() -> None:
    result = CliRunner().invoke(app, ["nothing", "--times", "3"])
    assert (result.exit_code, result.stdout) == (0, "done 3\n")


def test_a_bug_is_not_hidden() -> None:
    result = CliRunner().invoke(app, ["bug"])
    assert isinstance(result.exception, ZeroDivisionError)
    assert result.exit_code == 1


def test_where_a_status_list_is_missing_the_message_says_how_to_give_it() -> None:
    unknown = RefusedConsent(
        ConsentState.UNKNOWN, "the list was not given.", clause="withdrawal.status.revocation_list"
    )
    assert list_hint(unknown.status) == (
        "Fetch the newest lists there, lay them into FOLDER/lists, and give --evidence FOLDER."
    )
    RAISED["list"] = unknown
    assert CliRunner().invoke(app, ["list"]).stderr.endswith("give --evidence FOLDER.\n")
    vague = RefusedConsent(ConsentState.UNKNOWN, "no medium is stated.", clause="scope.media")
    revoked = RefusedConsent(ConsentState.REVOKED, "it is.", clause="withdrawal.status.revocation_list")
    assert [list_hint(status) for status in (vague.status, revoked.status, None)] == ["", "", ""]
