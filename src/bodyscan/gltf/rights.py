"""What a consent record says, in the terms that other people's software looks for.

Dublin Core terms (DCMI Metadata Terms), the rights schema of XMP (ISO 16684-1, 8.5), the IPTC Photo Metadata
Standard 2023.1 and the PLUS License Data Format 2.0.1 (http://ns.useplus.org), whose controlled values are
addresses below http://ns.useplus.org/ldf/vocab/. They are a summary for readers; the record decides.

No age is written: a record holds none (`plus:MinorModelAgeDisclosure` says "unknown" for a child).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bodyscan.consent.fields import format_utc
from bodyscan.consent.record import AiTerms, ConsentRecord

RIGHTS_CONTEXT = {
    "dcterms": "http://purl.org/dc/terms/",
    "plus": "http://ns.useplus.org/ldf/xmp/1.0/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "xmpRights": "http://ns.adobe.com/xap/1.0/rights/",
}
"""Prefix -> namespace of the terms that `rights_terms` returns, but for `Iptc4xmpExt`."""
PLUS_VERSION = "2.0.1"
PLUS_VOCABULARY = "http://ns.useplus.org/ldf/vocab/"
SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
SOMETIMES = ("plus:MinorModelAgeDisclosure", "xmpRights:WebStatement")
"""Terms that only some records have."""
LANGUAGE = "x-default"
"""The record's own words may be in any language."""


def rights_terms(record: ConsentRecord) -> dict[str, Any]:
    """Return XMP properties (`prefix:Name` -> JSON-LD value) that sum up a record."""
    scope, term = record.scope, record.term
    begin, end = format_utc(term.not_before), format_utc(term.not_after)
    person = record.subject.pseudonym
    users = [record.controller.name, *(licensee.name for licensee in record.licensees)]
    terms: dict[str, Any] = {
        "dcterms:rights": _text(
            f"The likeness of {person}. Use is allowed by the consent record {record.record_id} in this file "
            f"and within its scope alone: {scope.description}"
        ),
        "dcterms:rightsHolder": person,
        "dcterms:accessRights": _text(
            f"For {', '.join(users)}. Redistribution: {scope.redistribution}. Changes up to: "
            f"{scope.modification}."
        ),
        "dcterms:license": f"urn:uuid:{record.record_id}",
        "dcterms:valid": f"start={begin}; end={end}; scheme=W3C-DTF",
        "xmpRights:Marked": True,
        "xmpRights:Owner": {"@set": [person]},
        "xmpRights:UsageTerms": _text(_usage(record, begin, end)),
        "plus:Version": PLUS_VERSION,
        "plus:Licensor": {"@list": [{"plus:LicensorName": person}]},
        "plus:Licensee": {"@list": [{"plus:LicenseeName": user} for user in users]},
        "plus:LicenseID": f"urn:uuid:{record.record_id}",
        "plus:LicenseStartDate": begin,
        "plus:LicenseEndDate": end,
        "plus:MediaConstraints": _text(", ".join(scope.media)),
        "plus:RegionConstraints": _text(", ".join(scope.territories)),
        "plus:ProductOrServiceConstraints": _text(", ".join(scope.product_lines)),
        # A record always limits: to its scope and its term.
        "plus:ModelReleaseStatus": PLUS_VOCABULARY + ("MR-NAP" if record.demo else "MR-LMR"),
        "plus:ModelReleaseID": {"@set": [record.record_id]},
        "plus:DataMining": PLUS_VOCABULARY + data_mining(record.ai),
        "plus:OtherConstraints": _text(_constraints(record)),
        "Iptc4xmpExt:DigitalSourceType": SOURCE_TYPES + record.disclosure.source_type,
    }
    if record.subject.minor:
        terms["plus:MinorModelAgeDisclosure"] = f"{PLUS_VOCABULARY}AG-UNK"
    if record.notice is not None:
        terms["xmpRights:WebStatement"] = record.notice.address
    return terms


def contradictions(packet: Mapping[str, Any], record: ConsentRecord) -> list[str]:
    """Return the terms of an XMP packet that do not say what `rights_terms` says of the record.

    A term that is not there contradicts nothing; terms that `rights_terms` does not know are not looked at.
    """
    said = rights_terms(record)
    known = {*said, *SOMETIMES}
    return sorted(name for name in known if name in packet and packet[name] != said.get(name))


def data_mining(ai: AiTerms) -> str:
    """Return the term of the PLUS vocabulary "Data Mining" (added in 2023) that fits the record's AI terms.

    Where none says it all, `DMI-PROHIBITED-SEECONSTRAINT`: what is allowed then stands in
    `plus:OtherConstraints`.
    """
    known = {
        # training, mining, inference, generation
        (False, False, False, False): "DMI-PROHIBITED",
        (True, True, True, True): "DMI-ALLOWED",
        (False, True, True, False): "DMI-PROHIBITED-AIMLTRAINING",
        (True, True, True, False): "DMI-PROHIBITED-GENAIMLTRAINING",
    }
    return known.get((ai.training, ai.mining, ai.inference, ai.generation), "DMI-PROHIBITED-SEECONSTRAINT")


def _usage(record: ConsentRecord, begin: str, end: str) -> str:
    return (
        f"Allowed: {', '.join(record.scope.purposes)}; media {', '.join(record.scope.media)}; territories "
        f"{', '.join(record.scope.territories)}; from {begin} until {end}. Pictures are labelled "
        f'"{record.disclosure.label}". The person can take it back: {record.withdrawal.address}'
    )


def _constraints(record: ConsentRecord) -> str:
    ai = {
        "training": record.ai.training,
        "data mining": record.ai.mining,
        "inference": record.ai.inference,
        "generation": record.ai.generation,
    }
    said = "; ".join(f"{name} {'allowed' if allowed else 'prohibited'}" for name, allowed in ai.items())
    never = f" Never: {', '.join(record.scope.prohibited_uses)}." if record.scope.prohibited_uses else ""
    return f"Machine learning: {said}.{never}"


def _text(text: str) -> dict[str, Any]:
    """Return a language alternative as `KHR_xmp_json_ld` wants it."""
    return {"@type": "rdf:Alt", "rdf:_1": {"@language": LANGUAGE, "@value": text}}
