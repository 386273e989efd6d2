"""Time stamps (RFC 3161): an authority of the caller's choice attests that a signed text was there by then.

What is stamped is one JWS of a consent in canonical JSON (`Bundle.stamped_bytes`). Nothing goes over a
network here: a request is bytes that a person sends, an answer is bytes that they bring back, and a check
uses the roots that the caller gives and no others. `rfc3161-client` (the extra `timestamp`) reads the DER
and checks signature and chain through OpenSSL; it accepts SHA-1 under a signature, so that the hashes are
checked here, as are imprint, usage and time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from bodyscan.consent import der
from bodyscan.consent.bundle import MAX_STAMP_BYTES
from bodyscan.consent.certificates import read_certificates, weak_key
from bodyscan.consent.fields import format_utc
from bodyscan.consent.policy import CLOCK_SKEW, check_clock
from bodyscan.consent.state import ConsentState, RefusedConsent
from bodyscan.errors import InputError, MissingExtraError

MAX_RESPONSE_BYTES = 64 * 1024
HASHES = {
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}
"""The hash algorithms that are accepted, by object identifier."""
_HASHES_IN_DER = {
    bytes.fromhex("06096086480165030402") + bytes([number]): name
    for number, name in enumerate(HASHES.values(), start=1)
}
_SET, _INTEGER, _OCTETS, _TAGGED_0 = 0x31, 0x02, 0x04, 0xA0
_GRANTED = (0, 1)
_SIGNING_CERTIFICATE = {
    bytes.fromhex("060b2a864886f70d010910020c"): "sha1",  # RFC 2634; only tells one certificate from another
    bytes.fromhex("060b2a864886f70d010910022f"): "sha256",  # version 2, RFC 5035
}
"""The attribute by which a signer names their certificate, as DER, and the hash where it states none."""


def stamp_request(data: bytes) -> bytes:
    """Return a TimeStampReq (DER) for `data`: SHA-256, a random nonce, the certificate asked for.

    It holds the hash of `data` and nothing else of it. Raises `InputError` where there are no data,
    `MissingExtraError` without rfc3161-client.
    """
    client = _client()
    if not data:
        raise InputError("there are no data to stamp.")
    builder = client.TimestampRequestBuilder().data(data).hash_algorithm(client.HashAlgorithm.SHA256)
    return builder.nonce(nonce=True).cert_request(cert_request=True).build().as_bytes()


def read_response(response: bytes, data: bytes, request: bytes | None = None) -> bytes:
    """Return the token (DER) of an authority's answer for `data`; its authority is not judged here.

    With the `request` that was sent, its nonce must stand in the token. Raises `InputError` where the
    answer is damaged or a refusal, `RefusedConsent` where the token is for other data or of a weak hash.
    """
    _check_size(response, "the authority's answer")
    if request is not None:
        _check_size(request, "the request")
    try:
        status, *tokens = der.split(der.unwrap(response, der.SEQUENCE))
        code = _status(status)
        token = _in_order(tokens[0]) if len(tokens) == 1 and code in _GRANTED else None
    except ValueError as error:
        raise InputError(f"the authority's answer is damaged, or no time-stamp response: {error}.") from None
    if token is None:
        raise InputError(f"the authority did not stamp (status {code}); send it a new request.")
    info = _parse(token).tst_info
    _check_imprint(info, data)
    if request is not None and info.nonce != _nonce(request):
        raise RefusedConsent(ConsentState.ALTERED, "the time stamp answers another request (its nonce).")
    return token


def verify_stamp(
    token: bytes,
    data: bytes,
    roots: Iterable[str | bytes],
    now: datetime,
    policies: frozenset[str] | None = None,
) -> datetime:
    """Return the moment by which `data` was there: the token's time and its stated inaccuracy, UTC.

    The token must be of exactly these data, with SHA-256 or better throughout; signed by a certificate for
    time stamping alone (RFC 3161, 2.3) whose chain ends in one of the `roots` (PEM texts) and held at the
    stamped time; of one of the `policies` (dotted identifiers) where they are given; and not from the
    future: at most 5 minutes after `now` (UTC). Whether a certificate was withdrawn is not asked anywhere.

    Raises `RefusedConsent` with the reason, `InputError` for roots that cannot be read or a clock that is
    not UTC, `MissingExtraError` without rfc3161-client.
    """
    check_clock(now)
    anchors = read_certificates(roots, "the time-stamp authority's roots")
    response = _parse(token)
    info = response.tst_info
    _check_imprint(info, data)
    _check_hashes(response.signed_data)
    _check_signer(response.signed_data, token)
    policy = info.policy.dotted_string
    if policies is not None and policy not in policies:
        raise _untrusted(f"its policy {policy} is none of those that you accept")
    if info.gen_time > now + CLOCK_SKEW:
        raise RefusedConsent(
            ConsentState.ALTERED, f"the time stamp is from the future ({format_utc(info.gen_time)})."
        )
    _check_signature(response, data, anchors)
    return info.gen_time + _inaccuracy(info.accuracy)


def _client() -> Any:
    """The module rfc3161_client, or `MissingExtraError`."""
    try:
        import rfc3161_client
    except ImportError:
        raise MissingExtraError(
            "Time stamps need rfc3161-client, which is not installed: run "
            "`pip install 'bodyscan[timestamp]'`."
        ) from None
    return rfc3161_client


def _check_size(data: bytes, what: str) -> None:
    if not 0 < len(data) <= MAX_RESPONSE_BYTES:
        raise InputError(f"{what} has {len(data)} bytes; possible are 1 to {MAX_RESPONSE_BYTES}.")


def _status(status_info: bytes) -> int:
    """The status of a PKIStatusInfo."""
    first, *_ = der.split(der.unwrap(status_info, der.SEQUENCE))
    return int.from_bytes(der.unwrap(first, _INTEGER), "big")


def _nonce(request: bytes) -> int | None:
    from rfc3161_client._rust import parse_timestamp_request  # the package exports no reader of requests

    try:
        return parse_timestamp_request(request).nonce
    except ValueError:
        raise InputError("the request is damaged; give the file that was sent to the authority.") from None


def _in_order(token: bytes) -> bytes:
    """The token with its certificates sorted, as DER wants a set.

    OpenSSL's `ts -reply` writes them as they come, and the reader refuses that. No signature covers them.
    """
    content_type, parts = _signed_data(token)
    parts = [
        der.wrap(_TAGGED_0, *sorted(der.split(der.unwrap(part, _TAGGED_0)))) if part[0] == _TAGGED_0 else part
        for part in parts
    ]
    return der.wrap(der.SEQUENCE, content_type, der.wrap(0xA0, der.wrap(der.SEQUENCE, *parts)))


def _signed_data(token: bytes) -> tuple[bytes, list[bytes]]:
    """Return (the content type, the parts of the SignedData) of a token (RFC 5652, 5.1)."""
    content_type, explicit = der.split(der.unwrap(token, der.SEQUENCE))
    return content_type, list(der.split(der.unwrap(der.unwrap(explicit, _TAGGED_0), der.SEQUENCE)))


def _parse(token: bytes) -> Any:
    """The token in the form of a response, which is what the client reads."""
    client = _client()
    if not 0 < len(token) <= MAX_STAMP_BYTES:
        raise RefusedConsent(
            ConsentState.ALTERED,
            f"the time stamp has {len(token)} bytes; possible are 1 to {MAX_STAMP_BYTES}.",
        )
    granted = der.wrap(der.SEQUENCE, der.wrap(_INTEGER, b"\0"))
    try:
        response = client.decode_timestamp_response(der.wrap(der.SEQUENCE, granted, token))
        # Both are read on demand; reading them here finds all damage at once.
        _ = response.tst_info.message_imprint, response.signed_data.signer_infos
    except ValueError:
        raise RefusedConsent(
            ConsentState.ALTERED, "the time stamp is damaged (it is no DER token)."
        ) from None
    return response


def _check_imprint(info: Any, data: bytes) -> None:
    imprint = info.message_imprint
    name = HASHES.get(imprint.hash_algorithm.dotted_string)
    if name is None:
        raise _weak(f"the hash algorithm {imprint.hash_algorithm.dotted_string} of its imprint")
    if imprint.message != hashlib.new(name, data).digest():
        raise RefusedConsent(ConsentState.ALTERED, "the time stamp is for other data than these.")


def _check_hashes(signed_data: Any) -> None:
    # OpenSSL makes the digests of this list and no others, so that the signer's own entry must be among them.
    for algorithm in signed_data.digest_algorithms:
        if algorithm.dotted_string not in HASHES:
            raise _weak(f"the hash algorithm {algorithm.dotted_string} of its signature")


def _check_signer(signed_data: Any, token: bytes) -> None:
    signers = list(signed_data.signer_infos)
    if len(signers) != 1:
        raise _untrusted(f"it has {len(signers)} signers; there must be one")
    try:
        certificates = [x509.load_der_x509_certificate(bytes(data)) for data in signed_data.certificates]
        named = [
            one
            for one in certificates
            if (one.issuer, one.serial_number) == (signers[0].issuer, signers[0].serial_number)
        ]
        if len(named) != 1:
            raise _untrusted("it does not hold its signer's certificate")
        _check_certificate(named[0])
        if not _names_certificate(token, named[0].public_bytes(Encoding.DER)):
            raise _untrusted("its signature does not name the certificate that it holds")
    except RefusedConsent:
        raise
    except Exception:  # the reader of certificates has a class for each kind of damage, under no common one
        raise RefusedConsent(ConsentState.ALTERED, "a certificate in the time stamp is damaged.") from None


def _names_certificate(token: bytes, certificate: bytes) -> bool:
    """True where the signed attributes name this certificate (RFC 3161, 2.4.2; RFC 5816)."""
    signer, *_ = der.split(der.unwrap(_signed_data(token)[1][-1], _SET))
    signed = [part for part in der.split(der.unwrap(signer, der.SEQUENCE)) if part[0] == _TAGGED_0]
    for attribute in der.split(der.unwrap(signed[0], _TAGGED_0)):
        identifier, values = der.split(der.unwrap(attribute, der.SEQUENCE))
        if identifier not in _SIGNING_CERTIFICATE:
            continue
        value, *_ = der.split(der.unwrap(values, _SET))
        identities, *_ = der.split(der.unwrap(value, der.SEQUENCE))
        first, *_ = der.split(der.unwrap(identities, der.SEQUENCE))
        name, parts = _SIGNING_CERTIFICATE[identifier], list(der.split(der.unwrap(first, der.SEQUENCE)))
        if parts[0][0] == der.SEQUENCE:  # the hash is stated
            oid, *_ = der.split(der.unwrap(parts.pop(0), der.SEQUENCE))
            name = _HASHES_IN_DER[oid]
        return der.unwrap(parts[0], _OCTETS) == hashlib.new(name, certificate).digest()
    return False


def _check_certificate(certificate: x509.Certificate) -> None:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        usage = None
    if usage is None or not usage.critical or list(usage.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
        raise _untrusted("its signer's certificate is not one for time stamping alone")
    if isinstance(certificate.signature_hash_algorithm, hashes.SHA1 | hashes.MD5):
        raise _weak(f"the hash {certificate.signature_hash_algorithm.name} of its signer's certificate")
    weak = weak_key(certificate)
    if weak:
        raise _weak(weak)


def _check_signature(response: Any, data: bytes, anchors: tuple[x509.Certificate, ...]) -> None:
    client = _client()
    try:
        client.VerifierBuilder(roots=list(anchors)).build().verify_message(response, data)
    except client.VerificationError as error:
        text = str(error)
        for words, reason in (
            ("certificate has expired", "a certificate of its chain had expired when it was made"),
            ("not yet valid", "a certificate of its chain was not yet valid when it was made"),
            ("certificate verify error", "its authority is none of the roots that you trust"),
        ):
            if words in text:
                raise _untrusted(reason) from None
        raise _broken() from None
    except ValueError:
        raise _broken() from None


def _inaccuracy(accuracy: Any) -> timedelta:
    if accuracy is None:
        return timedelta(0)
    return timedelta(
        seconds=accuracy.seconds or 0,
        milliseconds=accuracy.millis or 0,
        microseconds=accuracy.micros or 0,
    )


def _untrusted(reason: str) -> RefusedConsent:
    return RefusedConsent(ConsentState.UNTRUSTED, f"the time stamp does not count: {reason}.")


def _broken() -> RefusedConsent:
    return RefusedConsent(ConsentState.ALTERED, "the signature of the time stamp does not hold.")


def _weak(what: str) -> RefusedConsent:
    return RefusedConsent(
        ConsentState.ALTERED, f"the time stamp is too weak: {what}; SHA-256 or better counts."
    )
