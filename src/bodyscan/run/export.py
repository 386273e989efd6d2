"""A copy of a twin's file for somebody else: as it is or made small, the use in the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bodyscan.consent import ConsentStatus, Use
from bodyscan.errors import InputError
from bodyscan.run.allowed_twin import AllowedTwin, allowed_twin, check_twin
from bodyscan.run.outputs import check_output_file
from bodyscan.run.uses import UseWriter

if TYPE_CHECKING:
    from bodyscan.gltf.pack.options import PackOptions
    from bodyscan.ledger import Receipt


@dataclass(frozen=True)
class ExportJob:
    """What one run reads, writes and is for."""

    file: Path
    output: Path
    use: Use
    now: datetime
    """UTC."""
    evidence: Path | None = None
    profile: str = "master"
    """`master` (as it is), `web` (below 5 MB) or `mobile` (below 3 MB)."""
    ledger: Path | None = None
    """None: the default one."""
    reference: str | None = None


@dataclass(frozen=True, eq=False)
class ExportDone:
    """A copy that was written."""

    twin: AllowedTwin
    status: ConsentStatus
    """Of the copy: how its body matches the one that was bound."""
    findings: tuple[str, ...]
    """What a person should know of the packing."""
    receipt: Receipt
    """Of the ledger."""


def export_copy(job: ExportJob) -> ExportDone:
    """Check a twin's consent, write a copy of its file, and write the use down before the copy appears.

    The binding is checked again on the bytes that are written. Raises `ConsentError` where the record does
    not cover the use or the packing, `InputError` for what cannot be read, packed or written,
    `MissingExtraError` for a Draco file without the extra `draco`.
    """
    check_output_file(job.output, job.file.suffix.lower(), [job.file])
    twin = allowed_twin(job.file, job.use, job.now, job.evidence)

    from bodyscan.consent.modification import require_modification
    from bodyscan.consent.record import Modification
    from bodyscan.consent.verify import record_or_raise
    from bodyscan.gltf.pack.options import PackOptions
    from bodyscan.gltf.pack.options import profile as options_of
    from bodyscan.ledger import EntryKind
    from bodyscan.mark.twin_id import bound_geometry, twin_id

    options, left_out = _for_reader(twin, options_of(job.profile))
    if job.profile != "master":
        require_modification(twin.record, Modification.FORMAT, f"packing for the profile {job.profile}")
    data, findings = twin.data, left_out
    if options != PackOptions():
        data, over = _packed(twin, options)
        findings += over
    _, _, status = check_twin(data, job.use, job.now, twin.evidence)
    record_or_raise(status)
    uses = UseWriter(
        place=job.ledger,
        record=twin.record,
        text=twin.consent,
        use=job.use,
        kind=EntryKind.EXPORT,
        now=job.now,
        reference=job.reference,
        twin_id=twin_id(twin.record.record_id, bound_geometry(twin.consent)).hex(),
    )
    # The only way on which the file leaves this function.
    receipt = uses({job.output: data})
    return ExportDone(twin, status, tuple(findings), receipt)


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
