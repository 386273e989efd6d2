"""`bodyscan consent reattest`: a packer's word for a file that it made anew."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bodyscan import __version__
from bodyscan.cli.consent.common import JsonFlag, NowOption, PassphraseFile, clock, signing_key, write_consent
from bodyscan.cli.errors import run_guarded
from bodyscan.cli.output import print_result
from bodyscan.run.outputs import check_output_file

app = typer.Typer()


@app.command(epilog="Exit codes: 0 done, 3 input, 4 the consent does not hold or the body is another one.")
@run_guarded
def reattest(
    packed: Annotated[Path, typer.Argument(help="The packed twin (.glb), with its consent still inside.")],
    key: Annotated[Path, typer.Option(help="The packer's private key.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Twin (.glb) to write.")],
    passphrase_file: PassphraseFile = None,
    now: NowOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Sign that a simplified or rebuilt file shows the body that its consent was bound to.

    Needed where a tool moved the surface by more than `verify` lets pass. The key must be the controller's,
    one that its key history lists for packing, or a licensee's whom the record lets repack; up to 10 mm.
    """
    from bodyscan.consent import reattest as attested
    from bodyscan.consent import verify_content
    from bodyscan.errors import ConsentError
    from bodyscan.gltf.read_content import read_content

    check_output_file(output, ".glb", [packed, key])
    text, content = read_content(packed)
    if text is None:
        raise ConsentError(f"{packed.name} carries no consent record; pack it with a tool that keeps it.")
    private, moment = signing_key(key, passphrase_file), clock(now)
    new = attested(text, content, private, now=moment, software=f"bodyscan {__version__}")
    before = verify_content(text, content, now=moment)
    write_consent(packed, output, new)
    values = {"file": str(output), "packer": private.thumbprint, "needed": not before.ok}
    rows = [("file", str(output)), ("packer", private.thumbprint)]
    if before.ok:
        rows.append(("note", f"it was not needed: the file is {before.geometry} as it is"))
    print_result(values, rows, as_json)
