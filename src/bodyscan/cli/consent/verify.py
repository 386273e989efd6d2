"""`bodyscan consent verify`: may this be used?"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from bodyscan.cli.consent.common import JsonFlag, NowOption, clock, is_glb, utc_time
from bodyscan.cli.errors import run_guarded
from bodyscan.cli.evidence import EvidenceOption, memory_place, read_evidence, remember
from bodyscan.cli.output import print_result
from bodyscan.cli.text_files import read_text
from bodyscan.consent import strict_json
from bodyscan.consent.evidence import Evidence
from bodyscan.consent.policy import Use
from bodyscan.consent.record import Medium, ProhibitedUse, Purpose
from bodyscan.consent.state import BindingVerdict, ConsentState, ConsentStatus, Decision
from bodyscan.consent.verify import verify_content, verify_record
from bodyscan.errors import ConsentError, InputError

app = typer.Typer()

DENIED, NOT_KNOWN = 4, 7
"""Exit codes beside 0."""
Copies = tuple[int, tuple[str, ...]]


@app.command(epilog="Exit codes: 0 allow, 3 not readable, 4 deny, 7 unknown.")
@run_guarded
def verify(
    file: Annotated[Path, typer.Argument(help="A signed record (JSON) or a twin (.glb).")],
    purpose: Annotated[Purpose | None, typer.Option(help="The use that is asked about.")] = None,
    territory: Annotated[str | None, typer.Option(help="Where the use is: worldwide, DE, US-CA ...")] = None,
    medium: Annotated[Medium | None, typer.Option(help="In which medium the use is.")] = None,
    licensee: Annotated[
        str | None, typer.Option(help="Who uses it: a name or key thumbprint. Default: the controller.")
    ] = None,
    product_line: Annotated[str | None, typer.Option(help="For which product line.")] = None,
    content: Annotated[
        list[ProhibitedUse] | None, typer.Option(help="What is shown or promoted; repeat.")
    ] = None,
    at: Annotated[str | None, typer.Option(help="The moment of the use, UTC. Default: now.")] = None,
    evidence: EvidenceOption = None,
    status_list: Annotated[list[Path] | None, typer.Option(help="A status list or a folder; repeat.")] = None,
    withdrawal: Annotated[
        list[Path] | None, typer.Option(help="A withdrawal statement, or a folder; repeat.")
    ] = None,
    keys: Annotated[list[Path] | None, typer.Option(help="A key history, or a folder; repeat.")] = None,
    stamp_authority: Annotated[
        list[Path] | None, typer.Option(help="Certificate (PEM) of a time-stamp authority; repeat.")
    ] = None,
    trust_person: Annotated[
        list[str] | None, typer.Option(help="Thumbprint of a known person's (or guardian's) key; repeat.")
    ] = None,
    trust_controller: Annotated[
        list[str] | None, typer.Option(help="Thumbprint of a known controller's key; repeat.")
    ] = None,
    trust_packer: Annotated[
        list[Path] | None, typer.Option(help="Public key of a packer whose word counts; repeat.")
    ] = None,
    memory: Annotated[
        Path | None, typer.Option(help="File that remembers which status lists were seen.")
    ] = None,
    max_age_days: Annotated[float | None, typer.Option(help="Older status lists are stale.")] = None,
    fail_closed: Annotated[bool, typer.Option("--fail-closed", help="Unknown is deny.")] = False,
    now: NowOption = None,
    as_json: JsonFlag = False,
) -> None:
    """May it be used? Allow, deny with the clause, or unknown with what is missing.

    Checks signatures, keys, term, withdrawal, terms of use and, for a twin, its body: triangles, rig, face
    shapes and texture. Nothing is fetched.
    """
    moment = clock(now)
    use = _use(purpose, territory, medium, licensee, product_line, content, at)
    known = read_evidence(
        evidence,
        status_lists=status_list or (),
        withdrawals=withdrawal or (),
        keys=keys or (),
        authorities=stamp_authority or (),
        packers=trust_packer or (),
        people=trust_person or (),
        controllers=trust_controller or (),
        memory=memory,
        max_age_days=max_age_days,
        now=moment,
    )
    is_twin = is_glb(file)
    if is_twin:
        status, copies = _verify_twin(file, moment, use, known)
    else:
        status, copies = _verify_text(file, moment, use, known), None
    remember(memory_place(evidence, memory), status.record, known, moment)
    decision = status.decision
    if fail_closed and decision is Decision.UNKNOWN:
        decision = Decision.DENY
    print_result(_values(status, decision, is_twin, copies), _rows(status, decision, copies), as_json)
    if decision is not Decision.ALLOW:
        raise typer.Exit(DENIED if decision is Decision.DENY else NOT_KNOWN)


def _verify_text(file: Path, now: datetime, use: Use | None, evidence: Evidence) -> ConsentStatus:
    text = read_text(file)
    strict_json.loads(text, file.name)  # not JSON at all: unreadable (exit 3), not altered
    return verify_record(text, now=now, use=use, evidence=evidence)


def _verify_twin(
    file: Path, now: datetime, use: Use | None, evidence: Evidence
) -> tuple[ConsentStatus, Copies]:
    from bodyscan.gltf.consent_copies import NUM_COPIES, consent_copies
    from bodyscan.gltf.container import unpack_glb  # only twins need the glTF reader
    from bodyscan.gltf.read_content import read_content

    try:
        text, content = read_content(file)
        places = tuple(consent_copies(unpack_glb(file)[0]))
    except ConsentError as error:  # the copies in the file contradict each other
        return ConsentStatus(ConsentState.ALTERED, str(error), geometry=BindingVerdict.ALTERED), (0, ())
    return verify_content(text, content, now=now, use=use, evidence=evidence), (NUM_COPIES, places)


def _values(
    status: ConsentStatus, decision: Decision, is_twin: bool, copies: Copies | None
) -> dict[str, Any]:
    record = status.record
    return {
        "decision": str(decision),
        "status": str(status.state),
        "reason": status.reason,
        "clause": status.clause or None,
        "geometry_checked": is_twin,
        "geometry": str(status.geometry) if status.geometry else None,
        "moved_mm": round(status.moved_mm, 3),
        "parts": dict(status.parts),
        "copies": list(copies[1]) if copies else [],
        "record_id": record.record_id if record else None,
        "demo": record.demo if record else None,
    }


def _rows(status: ConsentStatus, decision: Decision, copies: Copies | None) -> list[tuple[str, str]]:
    rows = [(str(decision), f"{status.state.replace('_', ' ')}: {status.reason}")]
    if status.clause:
        rows.append(("clause", status.clause))
    if status.geometry:
        moved = f", {status.moved_mm:.2f} mm" if status.moved_mm else ""
        rows.append(("body", f"{status.geometry}{moved}"))
    rows += status.parts.items()
    if copies and 0 < len(copies[1]) < copies[0]:
        places = ", ".join(copies[1])
        rows.append(("warning", f"the consent stands in {len(copies[1])} of {copies[0]} places: {places}"))
    if status.record and status.record.demo:
        rows.append(("DEMO", "sample data; it proves nothing about any person"))
    return rows


def _use(
    purpose: Purpose | None,
    territory: str | None,
    medium: Medium | None,
    licensee: str | None,
    product_line: str | None,
    content: list[ProhibitedUse] | None,
    at: str | None,
) -> Use | None:
    if purpose is None:
        if territory or medium or licensee or product_line or content or at:
            raise InputError(
                "--territory, --medium, --licensee, --product-line, --content and --at describe a use; "
                "give its --purpose too."
            )
        return None
    return Use(
        purpose,
        territory,
        medium,
        utc_time(at, "--at") if at else None,
        licensee,
        product_line,
        tuple(content or ()),
    )
