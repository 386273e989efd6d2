"""How far a record lets a twin be changed."""

from __future__ import annotations

from bodyscan.consent.record import ConsentRecord, Modification
from bodyscan.consent.state import ConsentState, RefusedConsent


def require_modification(record: ConsentRecord, wanted: Modification, what: str) -> None:
    """Raise `ConsentError` where the record does not let the twin be changed that far, by `what` is done."""
    steps = list(Modification)  # each allows what stands before it
    granted = record.scope.modification
    if steps.index(granted) < steps.index(wanted):
        raise RefusedConsent(
            ConsentState.NOT_COVERED,
            f"{what} needs the modification {wanted}, and the record allows {granted}.",
            record,
            clause="scope.modification",
        )
