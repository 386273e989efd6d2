"""The C2PA manifest that may lie beside a twin, as `verify` looks at it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bodyscan.consent.state import BindingVerdict, ConsentState, ConsentStatus
from bodyscan.errors import ConsentError, MissingExtraError


@dataclass(frozen=True)
class Sidecar:
    """What the manifest beside a twin says."""

    verdict: str
    """`sound`, `altered`, `untrusted`, `disagrees`, `missing`, or `not checked` without the extra."""
    reason: str


def read_sidecar(file: Path, consent: str | None, anchors: Sequence[Path]) -> Sidecar:
    """Return the verdict on NAME.c2pa beside a twin."""
    place = file.with_suffix(".c2pa")
    if not place.is_file():
        return Sidecar("missing", f"no {place.name} lies beside the file")
    from bodyscan.consent.binding import open_consent
    from bodyscan.mark.c2pa_consent import C2paConsent
    from bodyscan.mark.c2pa_manifest import MAX_MANIFEST_BYTES, verify_sidecar

    try:
        opened = open_consent(consent)
        expected = C2paConsent.of(opened.record, opened.binding.seal.geometry if opened.binding else None)
    except ConsentError:
        expected = None  # the consent itself is refused; the manifest cannot mend that
    with place.open("rb") as stream:
        manifest = stream.read(MAX_MANIFEST_BYTES + 1)
    try:
        report = verify_sidecar(
            file.read_bytes(), manifest, [path.read_bytes() for path in anchors], expected
        )
    except MissingExtraError as error:
        return Sidecar("not checked", str(error))
    return Sidecar(str(report.verdict), report.reason)


def with_sidecar(status: ConsentStatus, sidecar: Sidecar | None) -> ConsentStatus:
    """Return the status, denied where the manifest contradicts the file or its consent.

    A manifest whose signer is not known, or that cannot be checked here, is told and changes nothing: the
    consent stands by itself.
    """
    if sidecar is None or not status.ok or sidecar.verdict not in ("altered", "disagrees"):
        return status
    reason = f"the C2PA manifest beside it does not fit: {sidecar.reason}"
    return replace(
        status, state=ConsentState.ALTERED, reason=reason, geometry=status.geometry or BindingVerdict.ALTERED
    )
