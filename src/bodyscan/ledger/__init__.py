"""The ledger: every twin, render and export is a use that is written down, proved and paid."""

from __future__ import annotations

from bodyscan.ledger.check import Checked, check_statement, keys_named, parse_statement
from bodyscan.ledger.checkpoint import (
    Checkpoint,
    add_checkpoint,
    checkpoint_texts,
    last_checkpoint,
    parse_checkpoint,
)
from bodyscan.ledger.erase import Erased, FoundOutput, OutputState, erase_person, find_outputs
from bodyscan.ledger.people import Person, all_people, find_person, known_twins, pending
from bodyscan.ledger.place import default_ledger
from bodyscan.ledger.recording import LedgerLog, UseLog, recording
from bodyscan.ledger.signers import Signers, signers_of
from bodyscan.ledger.statement import Statement, make_statement, owed
from bodyscan.ledger.statement_html import statement_html
from bodyscan.ledger.statement_text import statement_csv, statement_table
from bodyscan.ledger.store import Ledger
from bodyscan.ledger.use import (
    Agreement,
    DoubleUseError,
    EntryKind,
    OutputRef,
    Receipt,
    UseEntry,
    agreement_of,
)
from bodyscan.ledger.verify import Finding, Problem, Verified, verify_ledger

__all__ = [
    "Agreement",
    "Checked",
    "Checkpoint",
    "DoubleUseError",
    "EntryKind",
    "Erased",
    "Finding",
    "FoundOutput",
    "Ledger",
    "LedgerLog",
    "OutputRef",
    "OutputState",
    "Person",
    "Problem",
    "Receipt",
    "Signers",
    "Statement",
    "UseEntry",
    "UseLog",
    "Verified",
    "add_checkpoint",
    "agreement_of",
    "all_people",
    "check_statement",
    "checkpoint_texts",
    "default_ledger",
    "erase_person",
    "find_outputs",
    "find_person",
    "keys_named",
    "known_twins",
    "last_checkpoint",
    "make_statement",
    "owed",
    "parse_checkpoint",
    "parse_statement",
    "pending",
    "recording",
    "signers_of",
    "statement_csv",
    "statement_html",
    "statement_table",
    "verify_ledger",
]
