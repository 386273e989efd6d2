"""A record in the vocabularies of others: ODRL for rights, DPV and ISO/IEC TS 27560 for consent."""

from __future__ import annotations

from bodyscan.consent.exports.dpv import dpv_receipt, dpv_record
from bodyscan.consent.exports.odrl import odrl_policy

__all__ = ["dpv_receipt", "dpv_record", "odrl_policy"]
