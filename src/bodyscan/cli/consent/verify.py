"""`bodyscan consent verify`: may this be used?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from bodyscan.cli.consent.common import JsonFlag, NowOption, clock, is_glb, utc_time
from bodyscan.cli.consent.sidecar import Sidecar, read_sidecar, with_sidecar
from bodyscan.cli.errors import list_hint, run_guarded
from bodyscan.cli.evidence import EvidenceOption
from bodyscan.cli.output import print_result
from bodyscan.cli.twin_file import use_of
from bodyscan.consent import strict_json
from bodyscan.consent.evidence import Evidence
from bodyscan.consent.policy import Use
from bodyscan.consent.record import Medium, ProhibitedUse, Purpose
from bodyscan.consent.state import BindingVerdict, ConsentState, ConsentStatus, Decision
from bodyscan.consent.verify import verify_content, verify_record
from bodyscan.errors import ConsentError, InputError
from bodyscan.run.evidence import memory_place, read_evidence, remember
from bodyscan.run.text_files import read_text

app = typer.Typer()

DENIED, NOT_KNOWN = 4, 7
"""Exit codes beside 0."""


@dataclass(frozen=True)
class Answer:
    """What is told: the status, and what was seen of a twin's file."""

    status: ConsentStatus
    decision: Decision
    is_twin: bool = False
    places: tuple[str, ...] = ()
    """Where in the file the consent stands."""
    copies: int = 0
    """In how many places it is written."""
    sidecar: Sidecar | None = None


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
    c2pa_anchor: Annotated[
        list[Path] | None, typer.Option(help="Root certificate (PEM) for a C2PA manifest beside it; repeat.")
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
    if is_glb(file):
        answer = _verify_twin(file, moment, use, known, c2pa_anchor or ())
    else:
        status = _verify_text(file, moment, use, known)
        answer = Answer(status, status.decision)
    remember(memory_place(evidence, memory), answer.status.record, known, moment)
    if fail_closed and answer.decision is Decision.UNKNOWN:
        answer = replace(answer, decision=Decision.DENY)
    print_result(_values(answer), _rows(answer), as_json)
    if answer.decision is not Decision.ALLOW:
        raise typer.Exit(DENIED if answer.decision is Decision.DENY else NOT_KNOWN)


def _verify_text(file: Path, now: datetime, use: Use | None, evidence: Evidence) -> ConsentStatus:
    text = read_text(file)
    strict_json.loads(text, file.name)  # not JSON at all: unreadable (exit 3), not altered
    return verify_record(text, now=now, use=use, evidence=evidence)


def _verify_twin(
    file: Path, now: datetime, use: Use | None, evidence: Evidence, anchors: Sequence[Path]
) -> Answer:
    from bodyscan.gltf.consent_copies import NUM_COPIES, consent_copies  # only twins need the glTF reader
    from bodyscan.gltf.container import unpack_glb
    from bodyscan.gltf.read_content import read_content

    try:
        text, content = read_content(file)
        places = tuple(consent_copies(unpack_glb(file)[0]))
    except ConsentError as error:  # the copies in the file contradict each other
        status = ConsentStatus(ConsentState.ALTERED, str(error), geometry=BindingVerdict.ALTERED)
        return Answer(status, status.decision, is_twin=True)
    status = verify_content(text, content, now=now, use=use, evidence=evidence)
    sidecar = read_sidecar(file, text, anchors)
    status = with_sidecar(status, sidecar)
    return Answer(status, status.decision, True, places, NUM_COPIES, sidecar)


def _values(answer: Answer) -> dict[str, Any]:
    status = answer.status
    record, sidecar = status.record, answer.sidecar
    return {
        "decision": str(answer.decision),
        "status": str(status.state),
        "reason": status.reason,
        "clause": status.clause or None,
        "geometry_checked": answer.is_twin,
        "geometry": str(status.geometry) if status.geometry else None,
        "moved_mm": round(status.moved_mm, 3),
        "parts": dict(status.parts),
        "copies": list(answer.places),
        "c2pa": {"verdict": sidecar.verdict, "reason": sidecar.reason} if sidecar else None,
        "record_id": record.record_id if record else None,
        "demo": record.demo if record else None,
    }


def _rows(answer: Answer) -> list[tuple[str, str]]:
    status, places = answer.status, answer.places
    state = status.state.replace("_", " ")
    told = status.reason if state == answer.decision else f"{state}: {status.reason}"
    rows = [(str(answer.decision), told)]
    if status.clause:
        rows.append(("clause", status.clause))
    if hint := list_hint(status):
        rows.append(("hint", hint))
    if status.geometry:
        moved = f", {status.moved_mm:.2f} mm" if status.moved_mm else ""
        rows.append(("body", f"{status.geometry}{moved}"))
    rows += status.parts.items()
    if answer.sidecar is not None:
        rows.append(("C2PA manifest", f"{answer.sidecar.verdict}: {answer.sidecar.reason}"))
    if 0 < len(places) < answer.copies:
        told = f"the consent stands in {len(places)} of {answer.copies} places: {', '.join(places)}"
        rows.append(("warning", told))
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
    when = utc_time(at, "--at") if at else None
    return use_of(purpose, territory, medium, licensee, product_line, content, when)
