"""`bodyscan export`: hands a twin's file over, packed as asked, where the person's consent allows it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from bodyscan.cli.errors import run_guarded
from bodyscan.cli.evidence import EvidenceOption
from bodyscan.cli.output import print_result
from bodyscan.cli.scan_job import JsonOption, MediumOption, PurposeOption, TerritoryOption
from bodyscan.cli.twin_file import (
    USE_EXIT_CODES,
    AllowedTwin,
    ContentOption,
    ProductLineOption,
    TwinArgument,
    allowed_twin,
    check_twin,
    use_of,
)
from bodyscan.cli.uses import LedgerOption, ReferenceOption, receipt_row
from bodyscan.consent import Purpose
from bodyscan.errors import InputError
from bodyscan.run.outputs import check_output_file, size_words
from bodyscan.run.uses import UseWriter

if TYPE_CHECKING:
    from bodyscan.consent import ConsentStatus
    from bodyscan.gltf.pack.options import PackOptions

app = typer.Typer()


@app.command(epilog=USE_EXIT_CODES)
@run_guarded
def export(
    file: TwinArgument,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write, with the input's ending.")],
    purpose: PurposeOption = Purpose.EXPORT,
    territory: TerritoryOption = None,
    medium: MediumOption = None,
    licensee: Annotated[str | None, typer.Option(help="To whom it goes: a licensee's name or key.")] = None,
    product_line: ProductLineOption = None,
    content: ContentOption = None,
    evidence: EvidenceOption = None,
    profile: Annotated[
        Literal["master", "web", "mobile"], typer.Option(help="As it is, below 5 MB, or below 3 MB.")
    ] = "master",
    ledger: LedgerOption = None,
    reference: ReferenceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a copy of a twin's file for somebody else: as it is, or made small.

    The twin's consent is checked for this use before, and its binding to the written file after; the use is
    written into the ledger. Coarser levels and the collision body are files of their own. For another target
    make the twin again.
    """
    use = use_of(purpose, territory, medium, licensee, product_line, content)
    check_output_file(output, file.suffix.lower(), [file])
    now = datetime.now(UTC)
    twin = allowed_twin(file, use, now, evidence)

    from bodyscan.consent.modification import require_modification
    from bodyscan.consent.record import Modification
    from bodyscan.consent.verify import record_or_raise
    from bodyscan.gltf.pack.options import PackOptions
    from bodyscan.gltf.pack.options import profile as options_of
    from bodyscan.ledger import EntryKind
    from bodyscan.mark.twin_id import bound_geometry, twin_id

    options, left_out = _for_reader(twin, options_of(profile))
    if profile != "master":
        require_modification(twin.record, Modification.FORMAT, f"packing for the profile {profile}")
    data, findings = twin.data, left_out
    if options != PackOptions():
        data, over = _packed(twin, options)
        findings += over
    _, _, status = check_twin(data, use, now, twin.evidence)
    record_or_raise(status)
    uses = UseWriter(
        place=ledger,
        record=twin.record,
        text=twin.consent,
        use=use,
        kind=EntryKind.EXPORT,
        now=now,
        reference=reference,
        twin_id=twin_id(twin.record.record_id, bound_geometry(twin.consent)).hex(),
    )
    # The only way on which the file leaves this command.
    receipt = uses({output: data})
    values, rows = _told(output, twin, status, findings, profile)
    print_result(values | {"ledger_entry": receipt.sequence}, [*rows, receipt_row(receipt)], as_json)


def _for_reader(twin: AllowedTwin, options: PackOptions) -> tuple[PackOptions, list[str]]:
    """Return the options without what the file's target does not take, and what that is, in words."""
    from bodyscan.gltf.metadata import bodyscan_extras
    from bodyscan.gltf.pack.options import limited
    from bodyscan.gltf.targets import load_target, target_names

    name = bodyscan_extras(twin.document).get("target")
    if name not in target_names():
        return options, []
    kept, left_out = limited(options, load_target(str(name)).extensions)
    return kept, [f"Left out, as the target {name} does not read it: {what}." for what in left_out]


def _packed(twin: AllowedTwin, options: PackOptions) -> tuple[bytes, list[str]]:
    from bodyscan.gltf.container import pack_glb
    from bodyscan.gltf.pack.budget import over_budget
    from bodyscan.gltf.pack.pack import pack

    used = set(twin.document.get("extensionsUsed", []))
    if packed := sorted(
        used & {"KHR_mesh_quantization", "EXT_meshopt_compression", "KHR_draco_mesh_compression"}
    ):
        raise InputError(
            f"{twin.name} is packed already ({', '.join(packed)}); packing it again would lose more. Export "
            "the master, or leave --profile out."
        )
    document, binary = pack(twin.document, twin.binary, options)
    finding = over_budget(document, options)
    return pack_glb(document, binary), [finding] if finding else []


def _told(
    output: Path, twin: AllowedTwin, status: ConsentStatus, findings: list[str], profile: str
) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    size, record = output.stat().st_size, twin.record
    values = {
        "path": str(output),
        "size_bytes": size,
        "profile": profile,
        "geometry": str(status.geometry),
        "moved_mm": round(status.moved_mm, 3),
        "record_id": record.record_id,
        "subject": record.subject.pseudonym,
        "demo": record.demo,
        "findings": findings,
    }
    rows = [
        ("file", f"{output}, {size_words(size)}"),
        ("binding", f"{status.geometry}" + (f", {status.moved_mm:.3f} mm" if status.moved_mm else "")),
        ("consent", f"{record.record_id} of {record.subject.pseudonym}: {status.reason}"),
        *(("note", finding) for finding in findings),
    ]
    if record.demo:
        rows.append(("DEMO", "sample data; it proves nothing about any person"))
    return values, rows
