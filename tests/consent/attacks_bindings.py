"""Attacks on what ties a record to a body: bindings and packers' attestations."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any

from bodyscan.consent.attestation import ATTESTATION_TYP, reattest
from bodyscan.consent.binding import BINDING_TYP
from bodyscan.consent.evidence import TrustedKeys
from bodyscan.consent.jws import Role, sign_payload
from bodyscan.consent.keys import SigningKey, b64url_decode, b64url_encode
from bodyscan.consent.seal import seal
from bodyscan.consent.state import BindingVerdict, ConsentState
from bodyscan.consent.strict_json import canonical
from bodyscan.gltf.consent_copies import replace_consent
from bodyscan.gltf.container import pack_glb, unpack_glb
from bodyscan.gltf.read_content import read_content
from bodyscan.gltf.write import twin_to_glb
from consent.attacks_base import (
    BOUND,
    Case,
    Rows,
    Verdict,
    allow,
    altered_body,
    altered_text,
    bare_twin,
    bound_text,
    bound_to_honest,
    bundle,
    consent,
    deny,
    known,
    record_values,
    sealed,
    signed_record,
    unknown,
    with_text,
)
from consent.attacks_bodies import ben_consent, ben_twin, girth, reshaped
from consent.attacks_records import OTHER_ID
from consent.people import ANNA, PACKER, SHOP, STRANGER, STUDIO, signed_values

BINDINGS = Rows("Bindings")
PACKERS = Rows("Packers' attestations")

DAY = timedelta(days=1)


def unbound(reason: str, clause: str = "") -> Verdict:
    """The consent is not tied to this body."""
    return deny(ConsentState.UNBOUND, reason, BindingVerdict.UNBOUND, clause=clause)


def resigned(member: Any, typ: str, role: Role, key: SigningKey, **changes: Any) -> dict[str, Any]:
    """Return a JWS of the bundle with members of its payload changed, signed by `key`."""
    said = {**json.loads(b64url_decode(member["payload"])), **changes}
    payload = canonical(said)
    signature = sign_payload(payload, role, typ, key).to_json()
    return {"payload": b64url_encode(payload), "signatures": [signature]}


def rebound(key: SigningKey = STUDIO, role: Role = Role.CONTROLLER, **changes: Any) -> bytes:
    """The honest file whose binding says something else, signed by `key`."""
    members = bundle()
    members["binding"] = resigned(members["binding"], BINDING_TYP, role, key, **changes)
    return with_text(members)


@BINDINGS.row("The binding is taken out.", unbound("carries no binding"))
def _no_binding() -> bytes:
    members = bundle()
    del members["binding"]
    return with_text(members)


@BINDINGS.row("The binding is signed by the attacker.", altered_text("not signed by the controller"))
def _foreign_binding() -> bytes:
    return rebound(STRANGER)


@BINDINGS.row("The binding is signed by the person in place of the studio.", altered_text("not signed by"))
def _persons_binding() -> bytes:
    return rebound(ANNA)


@BINDINGS.row(
    "The binding is signed in the role of the subject.", deny(ConsentState.STRIPPED, "signature alone")
)
def _role_of_binding() -> bytes:
    return rebound(ANNA, Role.SUBJECT)


@BINDINGS.row("The record's signatures in place of the binding's.", altered_text("is of the type"))
def _record_as_binding() -> bytes:
    members = bundle()
    members["binding"] = members["record"]
    return with_text(members)


@BINDINGS.row("The binding is replayed on an edited body.", altered_body("is not as it was bound"))
def _replayed() -> bytes:
    return reshaped(girth(0.02))()


@BINDINGS.row(
    "The seal is exchanged for Ben's, the studio's signature kept.", altered_text("was not signed by")
)
def _exchanged_seal() -> bytes:
    members = bundle()
    said = json.loads(b64url_decode(members["binding"]["payload"]))
    said["seal"] = sealed(ben_twin()).model_dump(mode="json", exclude_none=True)
    members["binding"]["payload"] = b64url_encode(canonical(said))
    return with_text(members)


@BINDINGS.row("Ben's binding under Anna's record, on Ben's body.", unbound("belongs to another record"))
def _mixed() -> bytes:
    members = bundle()
    members["binding"] = json.loads(ben_consent())["binding"]
    return twin_to_glb(replace(ben_twin(), consent=json.dumps(members)))


@BINDINGS.row("A binding under another record of the same person.", unbound("belongs to another record"))
def _second_record() -> bytes:
    wide = signed_values(record_values(record_id=OTHER_ID, scope__territories=["worldwide"]))
    return with_text({**bundle(), "record": json.loads(wide)})


@BINDINGS.row("A record of the same number with other terms.", unbound("belongs to another record"))
def _same_number() -> bytes:
    wide = signed_values(record_values(scope__territories=["worldwide"]))
    return with_text({**bundle(), "record": json.loads(wide)})


@BINDINGS.row("A binding from before the term.", unbound("outside the record's term"))
def _before_term() -> bytes:
    return rebound(created_at="2025-12-31T23:59:59Z")


@BINDINGS.row("Clock skew: a binding that is six minutes later than now.", unbound("is later than now"))
def _future_binding() -> bytes:
    return rebound(created_at="2026-06-01T00:06:00Z")


SCAN, OTHER_SCAN = "5" * 64, "6" * 64


@BINDINGS.row("The person signed for one scan; the body came of it.", allow())
def _right_scan() -> bytes:
    text = signed_values({**record_values(), "bindings": {"scans": [SCAN]}})
    return bound_to_honest(text, scan=SCAN)


@BINDINGS.row("The person signed for another scan.", unbound("of the scan 666", "bindings.scans"))
def _other_scan() -> bytes:
    text = signed_values({**record_values(), "bindings": {"scans": [SCAN]}})
    members = json.loads(bound_text(bare_twin(), text, scan=SCAN))
    members["binding"] = resigned(
        members["binding"], BINDING_TYP, Role.CONTROLLER, STUDIO, scan_sha256=OTHER_SCAN
    )
    return with_text(members)


def _named_body() -> str:
    """A record in which the person names the body that they have seen."""
    geometry = json.loads(b64url_decode(bundle()["binding"]["payload"]))["seal"]["geometry"]
    return signed_values({**record_values(), "bindings": {"geometries": [geometry]}})


def _ben_by_the_studio(**changes: Any) -> bytes:
    """Ben's body, which the dishonest studio itself bound to the record that names Anna's."""
    members = json.loads(bound_text(bare_twin(), _named_body()))
    claimed = {**sealed(ben_twin()).model_dump(mode="json", exclude_none=True), **changes}
    members["binding"] = resigned(members["binding"], BINDING_TYP, Role.CONTROLLER, STUDIO, seal=claimed)
    return twin_to_glb(replace(ben_twin(), consent=json.dumps(members)))


@BINDINGS.row(
    "A dishonest studio binds the record to Ben, where the person named the body that they saw.",
    unbound("signed for other bodies", "bindings.geometries"),
)
def _dishonest_studio() -> bytes:
    return _ben_by_the_studio()


@BINDINGS.row(
    "The same, and the seal claims the named body's digest beside Ben's fingerprint.",
    unknown("by their exact triangles", "bindings.geometries", BindingVerdict.REPACKED),
)
def _false_digest() -> bytes:
    geometry = json.loads(b64url_decode(bundle()["binding"]["payload"]))["seal"]["geometry"]
    return _ben_by_the_studio(geometry=geometry)


@BINDINGS.row(
    "A dishonest studio binds the record to Ben, where it names no body: only a look at him tells.",
    allow(),
)
def _unnamed_body() -> bytes:
    return twin_to_glb(replace(ben_twin(), consent=bound_text(ben_twin(), signed_record())))


# Attestations.


def coarse() -> bytes:
    """The honest body on a grid of five millimetres, as a coarse packer leaves it."""
    return reshaped(lambda points: (points / 0.005).round() * 0.005)()


@cache
def attested(key: SigningKey = STUDIO) -> bytes:
    """The coarse file with the word of `key` for it, past the check of who may give it."""
    file = coarse()
    text = reattest(consent(), read_content(file)[1], STUDIO, now=BOUND + DAY, software="packer 1")
    members = json.loads(text)
    members["attestations"][0] = resigned(members["attestations"][0], ATTESTATION_TYP, Role.PACKER, key)
    document, binary = unpack_glb(file)
    return pack_glb(replace_consent(document, json.dumps(members)), binary)


def attestation(file: bytes, **changes: Any) -> bytes:
    """A file with an attestation by the studio itself that says something else."""
    document, binary = unpack_glb(file)
    members = json.loads(read_content(attested())[0] or "")
    members["attestations"][0] = resigned(
        members["attestations"][0], ATTESTATION_TYP, Role.PACKER, STUDIO, **changes
    )
    return pack_glb(replace_consent(document, json.dumps(members)), binary)


@PACKERS.row("A coarse copy without anybody's word for it.", altered_body("is not as it was bound"))
def _coarse() -> bytes:
    return coarse()


@PACKERS.row("A coarse copy, attested by the studio.", allow(BindingVerdict.REATTESTED, "attests it"))
def _attested() -> bytes:
    return attested()


@PACKERS.row(
    "Foreign re-attestation: by a key that nobody allows to repack.",
    deny(ConsentState.UNTRUSTED, "neither the record nor", clause="licensees"),
)
def _foreign() -> bytes:
    return attested(STRANGER)


@PACKERS.row(
    "Re-attested by a licensee who may not repack.",
    deny(ConsentState.UNTRUSTED, "neither the record nor", clause="licensees"),
)
def _licensee() -> bytes:
    return attested(SHOP)


@PACKERS.row(
    "Re-attested by a packer whom this verifier trusts.", allow(BindingVerdict.REATTESTED, "attests it")
)
def _trusted() -> Case:
    trusted = TrustedKeys(packers=(PACKER.public,))
    return Case(attested(PACKER), replace(known(), trusted=trusted))


@PACKERS.row("The studio's word for one file is put on another.", altered_body("is not as it was bound"))
def _other_file() -> bytes:
    document, binary = unpack_glb(reshaped(girth(0.05))())
    return pack_glb(replace_consent(document, read_content(attested())[0] or ""), binary)


@PACKERS.row(
    "The studio attests Ben's body as Anna's.", deny(ConsentState.ALTERED, "a packer answers for 10 mm")
)
def _ben_attested() -> bytes:
    file = twin_to_glb(replace(ben_twin(), consent=consent()))
    about = seal(read_content(file)[1]).model_dump(mode="json", exclude_none=True)
    return attestation(file, seal=about)


@PACKERS.row("An attestation of another binding.", deny(ConsentState.UNBOUND, "belongs to another twin"))
def _other_binding() -> bytes:
    return attestation(coarse(), binding_sha256="0" * 64)


@PACKERS.row(
    "A chain of attestations whose first is missing.", altered_text("chain of packers' attestations")
)
def _broken_chain() -> bytes:
    return attestation(coarse(), from_geometry="tri-sha256-v1:" + "0" * 64)


@PACKERS.row("An attestation from after the term.", deny(ConsentState.UNBOUND, "outside the record's term"))
def _late() -> bytes:
    return attestation(coarse(), created_at="2027-02-01T00:00:00Z")
