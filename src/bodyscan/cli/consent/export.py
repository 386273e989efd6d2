"""`bodyscan consent export`: a record in the vocabularies of others."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from bodyscan.cli.consent.common import NowOption, check_new, clock, consent_text, write_new
from bodyscan.cli.errors import run_guarded
from bodyscan.consent.describe import open_any
from bodyscan.consent.exports import dpv_receipt, dpv_record, odrl_policy
from bodyscan.errors import InputError

app = typer.Typer()


class ExportFormat(StrEnum):
    """What a record can be written as."""

    ODRL = "odrl"
    DPV = "dpv"
    VRM = "vrm"


@app.command()
@run_guarded
def export(
    file: Annotated[Path, typer.Argument(help="A record, signed or not (JSON), or a twin (.glb).")],
    format_: Annotated[
        ExportFormat,
        typer.Option(
            "--format",
            help="odrl: W3C ODRL 2.2 policy. dpv: W3C DPV in the structure of ISO/IEC TS 27560. "
            "vrm: the meta of a VRM 1.0 file.",
        ),
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File (JSON) to write. Default: print it.")
    ] = None,
    receipt: Annotated[bool, typer.Option(help="For dpv: a receipt that holds the record.")] = False,
    body_model: Annotated[
        str, typer.Option(help="For vrm: name and licence of the body model.")
    ] = "not stated",
    overwrite: Annotated[bool, typer.Option(help="Replace an existing file.")] = False,
    now: NowOption = None,
) -> None:
    """Write a record as an ODRL policy, a DPV consent record or receipt, or VRM meta.

    The signed record alone counts: an export says the same in another vocabulary and carries no signature.
    """
    if receipt and format_ is not ExportFormat.DPV:
        raise InputError("--receipt goes with --format dpv.")
    if output is not None:
        check_new(output, overwrite)
    signed, _ = open_any(consent_text(file))
    record, agreed = signed.record, not signed.missing
    values: dict[str, Any]
    if format_ is ExportFormat.ODRL:
        values = odrl_policy(record, agreed=agreed)
    elif format_ is ExportFormat.VRM:
        from bodyscan.gltf.vrm import vrm_meta  # the glTF writer takes time to import

        values = vrm_meta(record, body_model)
    elif receipt:
        values = dpv_receipt(record, agreed=agreed, now=clock(now))
    else:
        values = dpv_record(record, agreed=agreed)
    text = json.dumps(values, ensure_ascii=False, indent=2) + "\n"
    if output is None:
        typer.echo(text, nl=False)
    else:
        write_new(output, text, overwrite)
        typer.echo(f"{output}: {format_} of the record {record.record_id}")
