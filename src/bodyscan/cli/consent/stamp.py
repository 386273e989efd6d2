"""`bodyscan consent stamp`: an RFC 3161 time stamp, through files that the person carries themselves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from bodyscan.cli.consent.common import JsonFlag, NowOption, clock, consent_text, is_glb, write_consent
from bodyscan.cli.errors import run_guarded
from bodyscan.cli.output import print_result
from bodyscan.consent.binding import open_consent
from bodyscan.consent.bundle import MAX_STAMPS, Bundle, Stamp, Stamped
from bodyscan.errors import InputError
from bodyscan.files import write_atomic

app = typer.Typer()


@app.command(epilog="Exit codes: 0 done, 3 input, 4 the consent or the stamp does not hold, 5 extra missing.")
@run_guarded
def stamp(
    file: Annotated[Path, typer.Argument(help="A signed record (JSON) or a twin (.glb).")],
    request: Annotated[
        Path | None,
        typer.Option(help="Request (.tsq) to write. With --response: the one that was sent, compared."),
    ] = None,
    response: Annotated[
        Path | None, typer.Option(help="The authority's answer (.tsr), put into FILE.")
    ] = None,
    of: Annotated[Stamped, typer.Option(help="What is stamped.")] = Stamped.RECORD,
    stamp_authority: Annotated[
        list[Path] | None,
        typer.Option(help="Root certificate (PEM): the stamp must lead to one of these; repeat."),
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write there instead.")] = None,
    now: NowOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Write the request for a time stamp, or put the answer into the consent.

    Nothing is sent: take the request to an authority of your choice, and bring back its answer. Without
    --stamp-authority the answer's content is checked and not whose it is; `verify` checks that each time.
    """
    bundle = open_consent(consent_text(file)).bundle
    data = bundle.stamped_bytes(of)
    if response is None:
        if request is None or output is not None or stamp_authority:
            raise InputError("give --request to ask for a stamp, or --response to put one into the consent.")
        _write_request(request, data, file, of, as_json)
        return
    from bodyscan.consent.time_stamp import read_response, verify_stamp

    sent = _read(request) if request is not None else None
    token = read_response(_read(response), data, sent)
    roots = [path.read_bytes() for path in stamp_authority or ()]
    moment = verify_stamp(token, data, roots, clock(now)) if roots else None
    target = output or file
    write_consent(file, target, _with_stamp(bundle, Stamp(of, token)).to_text())
    values: dict[str, Any] = {
        "file": str(target),
        "of": str(of),
        "stamped_at": moment,
        "authority_checked": bool(roots),
    }
    rows = [("stamped", str(of)), ("written to", str(target))]
    if moment:
        rows.insert(1, ("at", moment.isoformat()))
    if (sidecar := target.with_suffix(".c2pa")).exists() and is_glb(target):
        values["stale_manifest"] = str(sidecar)
        rows.append(("warning", f"{sidecar.name} no longer fits the file; write it anew"))
    print_result(values, rows, as_json)


def _write_request(path: Path, data: bytes, file: Path, of: Stamped, as_json: bool) -> None:
    from bodyscan.consent.time_stamp import stamp_request

    if path.exists():
        raise InputError(f"{path} exists already; an answer may be on its way to it. Choose another name.")
    write_atomic(path, stamp_request(data))
    values = {"request": str(path), "of": str(of), "file": str(file)}
    print_result(values, [("request", f"{path}, for the {of} in {file.name}")], as_json)


def _with_stamp(bundle: Bundle, new: Stamp) -> Bundle:
    if new in bundle.stamps:
        raise InputError("the consent holds this very stamp already.")
    if len(bundle.stamps) >= MAX_STAMPS:
        raise InputError(f"the consent holds {len(bundle.stamps)} stamps, the most that are allowed.")
    return replace(bundle, stamps=(*bundle.stamps, new))


def _read(path: Path) -> bytes:
    from bodyscan.consent.time_stamp import MAX_RESPONSE_BYTES

    try:
        with path.open("rb") as stream:
            return stream.read(MAX_RESPONSE_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from None
