"""A record in the W3C Data Privacy Vocabulary, in the structure of ISO/IEC TS 27560:2023.

Source: Data Privacy Vocabulary (DPV) 2.3 with its extensions LOC (places), AI and EU-GDPR, and the guide
"Consent Records and Receipts as per ISO/IEC TS 27560:2023 using DPV" of its community group, which maps the
fields of the standard to DPV's terms. The record has the standard's four parts: header, processing, parties,
events. A receipt holds the record and is handed to the person. The JSON-LD context is part of the document:
nothing is fetched to read it.

ISO/IEC TS 27560 has no fields for pay, product lines, media or prohibited uses; the ODRL export has them.
Its party address is a postal one, which a record does not hold.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from bodyscan.consent.exports.odrl_terms import urn
from bodyscan.consent.fields import format_utc
from bodyscan.consent.policy import check_clock
from bodyscan.consent.record import (
    AI_PURPOSES,
    ConsentRecord,
    DataCategory,
    LawfulBasis,
    Purpose,
    WithdrawalEffect,
)
from bodyscan.consent.territories import COUNTRY_CODES

Node = dict[str, Any]

RECORD_PROFILE = "https://w3id.org/dpv/schema/dpv-27560#record"
RECEIPT_PROFILE = "https://w3id.org/dpv/schema/dpv-27560"
_TIMES = ("dct:created", "dct:date", "dpv:isIndicatedAtTime")
_IRIS = (
    "dct:conformsTo",
    "dpv:hasContact",
    "dpv:hasDataSource",
    "dpv:hasLegalBasis",
    "dpv:hasProcessing",
    "dpv:isExercisedAt",
    "dpv:isIndicatedBy",
    "skos:broader",
)
CONTEXT: dict[str, Any] = {
    "dpv": "https://w3id.org/dpv#",
    "loc": "https://w3id.org/dpv/loc#",
    "ai": "https://w3id.org/dpv/ai#",
    "eu-gdpr": "https://w3id.org/dpv/legal/eu/gdpr#",
    "dct": "http://purl.org/dc/terms/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    **{name: {"@type": "xsd:dateTime"} for name in _TIMES},
    **{name: {"@type": "@id"} for name in _IRIS},
}

PURPOSES: dict[Purpose, tuple[str, tuple[str, ...]]] = {
    Purpose.MAKE_TWIN: ("dpv:TechnicalServiceProvision", ("dpv:Derive",)),
    Purpose.VIRTUAL_TRY_ON: ("dpv:ServiceProvision", ("dpv:Display",)),
    Purpose.RENDER: ("dpv:CommercialPurpose", ("dpv:Generate",)),
    Purpose.ANIMATION: ("dpv:CommercialPurpose", ("dpv:Generate",)),
    Purpose.ADVERTISING: ("dpv:Advertising", ("dpv:Display", "dpv:Disseminate")),
    Purpose.EXPORT: ("dpv:CommercialPurpose", ("dpv:Share",)),
    Purpose.RESEARCH: ("dpv:ResearchAndDevelopment", ("dpv:Analyse",)),
    Purpose.AI_TRAINING: ("dpv:Purpose", ("ai:ModelTraining",)),
    Purpose.DATA_MINING: ("dpv:Purpose", ("dpv:Analyse",)),
    Purpose.AI_INFERENCE: ("dpv:Purpose", ("dpv:Infer",)),
    Purpose.AI_GENERATION: ("dpv:Purpose", ("dpv:Generate",)),
}
"""Purpose -> (the nearest broader purpose of DPV, what is done with the data)."""

BASES: dict[LawfulBasis, tuple[str, str]] = {
    LawfulBasis.EXPLICIT_CONSENT: ("dpv:ExplicitlyExpressedConsent", "eu-gdpr:A9-2-a"),
    LawfulBasis.CONSENT: ("dpv:ExpressedConsent", "eu-gdpr:A6-1-a"),
    LawfulBasis.CONTRACT: ("dpv:ContractPerformance", "eu-gdpr:A6-1-b-contract-performance"),
}
"""Lawful basis -> (DPV's term, the GDPR's)."""

SENSITIVE = frozenset(
    {DataCategory.BODY_SHAPE, DataCategory.FACE_SHAPE, DataCategory.SKIN_TEXTURE, DataCategory.MOTION}
)
"""Kinds of data that show the body itself."""


def dpv_record(record: ConsentRecord, *, agreed: bool) -> Node:
    """Return the record as JSON-LD values.

    `agreed`: True where all signatures are there; then consent is given, else it is only requested.
    """
    return {"@context": CONTEXT, **_record(record, agreed)}


def dpv_receipt(record: ConsentRecord, *, agreed: bool, now: datetime) -> Node:
    """Return a consent receipt, made at `now` (UTC), that holds the whole record.

    Raises `InputError` where `now` is not in UTC. The receipt's identifier follows from record and time.
    """
    check_clock(now)
    name = f"{record.sha256()} {format_utc(now)}"
    receipt_id = str(uuid.uuid5(uuid.UUID(record.record_id), name))
    return {
        "@context": CONTEXT,
        "@id": f"urn:uuid:{receipt_id}",
        "@type": "dpv:ConsentReceipt",
        "dpv:hasIdentifier": receipt_id,
        "dct:conformsTo": RECEIPT_PROFILE,
        "dct:created": format_utc(now),
        "dpv:hasRecordOfActivity": [_record(record, agreed)],
    }


def _record(record: ConsentRecord, agreed: bool) -> Node:
    legal_basis = list(BASES[record.data.lawful_basis])
    node: Node = {
        # header
        "@id": f"urn:uuid:{record.record_id}",
        "@type": "dpv:ConsentRecord",
        "dct:identifier": record.record_id,
        "dpv:hasIdentifier": record.record_id,
        "dct:conformsTo": RECORD_PROFILE,
        "dct:created": format_utc(record.issued_at),
        "dct:title": "Consent record" + (" (DEMO: sample data)" if record.demo else ""),
        # processing
        "dct:description": record.scope.description,
        "dpv:hasLegalBasis": legal_basis,
        "dpv:hasJurisdiction": [_place(code) for code in record.scope.territories],
        "dpv:hasProcess": _process(record),
        "dpv:hasProhibition": [
            {"@type": "dpv:Prohibition", **_purpose(purpose)}
            for purpose, field in AI_PURPOSES.items()
            if not getattr(record.ai, field)
        ],
        "dpv:hasConsentControl": _withdrawal(record),
        "dpv:hasRight": _rights(record),
        # parties
        "dpv:hasDataSubject": _subject(record),
        "dpv:hasDataController": {
            "@id": urn("controller", record.record_id),
            "@type": "dpv:DataController",
            "dct:identifier": record.controller.public_key.thumbprint,
            "dpv:hasName": record.controller.name,
            "dpv:hasContact": record.controller.contact,
        },
        # events
        "dpv:hasConsentStatus": [_event(record, agreed)],
    }
    if record.notice is not None:
        node["dpv:hasNotice"] = {
            "@id": record.notice.address,
            "@type": "dpv:ConsentNotice",
            "dct:identifier": f"sha256:{record.notice.sha256}",
            "dct:language": record.notice.language,
            "dct:date": format_utc(record.notice.given_at),
        }
    return node


def _process(record: ConsentRecord) -> Node:
    """What all uses share, and a process in it for each purpose."""
    allowed = [
        *record.scope.purposes,
        *(purpose for purpose, field in AI_PURPOSES.items() if getattr(record.ai, field)),
    ]
    process: Node = {
        "@type": "dpv:Process",
        "dpv:hasPersonalData": [_data(category) for category in record.data.categories],
        "dpv:hasStorageCondition": [
            {
                "@type": "dpv:StorageLocation",
                "dpv:hasLocation": [_place(code) for code in record.data.places],
            },
            {
                "@type": "dpv:StorageDuration",
                "dpv:hasDuration": {"@value": record.data.retention, "@type": "xsd:duration"},
                "dct:description": "after the end of the consent",
            },
            {
                "@type": "dpv:StorageDeletion",
                "dpv:hasDuration": {
                    "@type": "dpv:UntilTimeDuration",
                    "rdf:value": {"@value": format_utc(record.data.delete_by), "@type": "xsd:dateTime"},
                },
            },
        ],
        "dpv:hasProcess": [{"@type": "dpv:Process", **_purpose(purpose)} for purpose in allowed],
    }
    if record.licensees:
        process["dpv:hasRecipient"] = [
            {
                "@id": urn("licensee", record.record_id, str(number)),
                "@type": ["dpv:Recipient", "dpv:ThirdParty"],
                "dpv:hasName": licensee.name,
                **({"dpv:hasContact": licensee.contact} if licensee.contact else {}),
            }
            for number, licensee in enumerate(record.licensees)
        ]
    return process


def _purpose(purpose: Purpose) -> Node:
    broader, processing = PURPOSES[purpose]
    return {
        "dpv:hasPurpose": {
            "@id": urn("purpose", purpose),
            "@type": "dpv:Purpose",
            "skos:broader": broader,
            "skos:prefLabel": purpose.replace("_", " "),
        },
        "dpv:hasProcessing": list(processing),
    }


def _data(category: DataCategory) -> Node:
    return {
        "@id": urn("data", category),
        "@type": "dpv:SensitivePersonalData" if category in SENSITIVE else "dpv:PersonalData",
        "skos:prefLabel": category.replace("_", " "),
        "dpv:hasDataSource": "dpv:DataSubjectDataSource",
    }


def _place(code: str) -> Node:
    """A country is one of LOC's. Not every subdivision is, so those stand by their ISO 3166-2 code."""
    if code in COUNTRY_CODES:
        return {"@id": f"loc:{code}", "@type": "dpv:Country", "dct:identifier": code}
    country = code.split("-")[0]
    if country in COUNTRY_CODES:
        return {"@type": "dpv:Region", "dct:identifier": code, "skos:broader": f"loc:{country}"}
    return {"@type": "dpv:Location", "dct:identifier": code}


def _withdrawal(record: ConsentRecord) -> Node:
    return {
        "@type": "dpv:WithdrawConsent",
        "dpv:isExercisedAt": record.withdrawal.address,
        "dct:description": f"{record.withdrawal.method.replace('_', ' ')}; "
        f"effect: {record.withdrawal.effect.replace('_', ' ')}",
    }


def _rights(record: ConsentRecord) -> list[Node]:
    rights = {"eu-gdpr:A7-3": "Right to withdraw consent"}
    if record.withdrawal.effect is WithdrawalEffect.STOP_AND_DELETE:
        rights["eu-gdpr:A17"] = "Right to erasure"
    return [
        {
            "@type": ["dpv:DataSubjectRight", term],
            "dct:title": title,
            "dpv:isExercisedAt": record.withdrawal.address,
        }
        for term, title in rights.items()
    ]


def _subject(record: ConsentRecord) -> Node:
    node: Node = {
        "@id": urn("subject", record.record_id),
        "@type": ["dpv:DataSubject", "dpv:Child" if record.subject.minor else "dpv:Adult"],
        "dct:identifier": record.subject.pseudonym,
    }
    if record.guardian is not None:
        node["dpv:hasRepresentative"] = {
            "@id": urn("guardian", record.record_id),
            "@type": ["dpv:Representative", "dpv:GuardianOfDataSubject"],
            "dpv:hasName": record.guardian.name,
            "dpv:hasContact": record.guardian.contact,
        }
    return node


def _event(record: ConsentRecord, agreed: bool) -> Node:
    by_consent = record.data.lawful_basis is not LawfulBasis.CONTRACT
    kind = [BASES[record.data.lawful_basis][0]] if by_consent else []
    signer = "subject" if record.guardian is None else "guardian"
    begin, end = format_utc(record.term.not_before), format_utc(record.term.not_after)
    return {
        "@type": ["dpv:ConsentGiven" if agreed else "dpv:ConsentRequested", *kind],
        "dpv:isIndicatedBy": urn(signer, record.record_id),
        "dpv:isIndicatedAtTime": format_utc(record.issued_at),
        "dpv:hasIndicationMethod": "Ed25519 signature over the record" if agreed else "not signed by all yet",
        "dct:valid": f"{begin}/{end}",
    }
