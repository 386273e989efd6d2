from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from bodyscan.consent.state import ConsentState, RefusedConsent
from bodyscan.consent.time_stamp import read_response, stamp_request, verify_stamp
from bodyscan.errors import InputError, MissingExtraError
from consent import authority as clock_house
from consent.authority import POLICY, STAMPED, Authority, certify, make_authority

pytest.importorskip("rfc3161_client", reason="needs the `timestamp` extra")

DATA = b'{"payload":"e30","signatures":[]}'
NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return make_authority()


def refused(state: ConsentState, words: str, token: bytes, authority: Authority, **changes: object) -> None:
    """Check that a token is refused in this state with these words."""
    arguments: dict = {"data": DATA, "roots": (authority.root.pem,), "now": NOW, **changes}
    with pytest.raises(RefusedConsent, match=words) as caught:
        verify_stamp(token, **arguments)
    assert caught.value.status.state is state


def test_a_stamp_tells_the_moment_that_the_authority_put_into_it(authority: Authority) -> None:
    assert verify_stamp(authority.token(DATA), DATA, (authority.root.pem,), NOW) == STAMPED


def test_the_moment_is_the_latest_that_the_stated_inaccuracy_leaves_open(authority: Authority) -> None:
    token = authority.token(DATA, accuracy_s=30)
    assert verify_stamp(token, DATA, (authority.root.pem,), NOW) == STAMPED + timedelta(seconds=30)


def test_a_fraction_of_a_second_is_read(authority: Authority) -> None:
    token = authority.token(DATA, fraction=".25")
    assert abs(verify_stamp(token, DATA, (authority.root.pem,), NOW) - STAMPED) < timedelta(seconds=1)


def test_a_chain_over_another_certificate_leads_to_the_root() -> None:
    longer = make_authority(between=True)
    assert verify_stamp(longer.token(DATA), DATA, (longer.root.pem,), NOW) == STAMPED
    refused(ConsentState.UNTRUSTED, "none of the roots", longer.token(DATA, chain=(longer.signer,)), longer)


def test_one_of_several_roots_is_enough(authority: Authority) -> None:
    roots = (certify("Other", ca=True).pem.decode(), authority.root.pem)
    assert verify_stamp(authority.token(DATA), DATA, roots, NOW) == STAMPED


def test_a_stamp_stays_good_after_its_certificates_have_expired(authority: Authority) -> None:
    later = datetime(2060, 1, 1, tzinfo=UTC)
    assert verify_stamp(authority.token(DATA), DATA, (authority.root.pem,), later) == STAMPED


def test_an_answer_to_a_request_gives_the_token(authority: Authority) -> None:
    request = stamp_request(DATA)
    token = read_response(authority.response(DATA, request), DATA, request)
    assert verify_stamp(token, DATA, (authority.root.pem,), NOW) == STAMPED


def test_a_request_holds_the_hash_a_new_nonce_and_nothing_of_the_data() -> None:
    first, second = stamp_request(DATA), stamp_request(DATA)
    assert DATA not in first
    assert len(first) < 80
    assert clock_house.request_nonce(first) != clock_house.request_nonce(second)


def test_an_answer_to_another_request_is_refused(authority: Authority) -> None:
    response = authority.response(DATA, stamp_request(DATA))
    with pytest.raises(RefusedConsent, match="answers another request"):
        read_response(response, DATA, stamp_request(DATA))
    with pytest.raises(RefusedConsent, match="answers another request"):
        read_response(authority.response(DATA), DATA, stamp_request(DATA))


def test_an_answer_for_other_data_is_refused(authority: Authority) -> None:
    with pytest.raises(RefusedConsent, match="for other data"):
        read_response(authority.response(b"other"), DATA)


def test_an_authority_that_does_not_stamp_is_named_with_its_status() -> None:
    with pytest.raises(InputError, match=r"did not stamp \(status 2\); send it a new request"):
        read_response(clock_house.refusal(2), DATA)


@pytest.mark.parametrize("response", [b"<html>", b"", b"\x30\x03", b"\x30\x80\x00\x00", b"0" * 70_000])
def test_an_answer_that_is_none_is_refused(response: bytes) -> None:
    with pytest.raises(InputError, match="the authority's answer"):
        read_response(response, DATA)


def test_certificates_in_any_order_are_read_from_an_answer() -> None:
    longer = make_authority(between=True)
    one, two = longer.signer, longer.between
    assert two is not None
    for chain in ((one, two), (two, one)):
        token = longer.token(DATA, chain=chain, sort=False)
        response = clock_house.granted(token)
        assert verify_stamp(read_response(response, DATA), DATA, (longer.root.pem,), NOW) == STAMPED


def test_a_stamp_for_other_data_is_refused(authority: Authority) -> None:
    refused(ConsentState.ALTERED, "for other data", authority.token(b"other"), authority)


def test_a_stamp_of_an_unknown_authority_is_refused(authority: Authority) -> None:
    refused(ConsentState.UNTRUSTED, "none of the roots", make_authority().token(DATA), authority)


def test_the_stamping_certificate_itself_is_no_root(authority: Authority) -> None:
    roots = (authority.signer.pem,)
    refused(ConsentState.UNTRUSTED, "none of the roots", authority.token(DATA), authority, roots=roots)


def test_a_content_under_another_signature_is_refused(authority: Authority) -> None:
    token = authority.token(DATA, signed_as=b"something else")
    refused(ConsentState.ALTERED, "signature of the time stamp does not hold", token, authority)


def test_no_changed_byte_of_a_stamp_is_accepted_as_another_moment(authority: Authority) -> None:
    token = authority.token(DATA)
    accepted = set()
    for place in range(len(token)):
        changed = token[:place] + bytes([token[place] ^ 1]) + token[place + 1 :]
        try:
            accepted.add(verify_stamp(changed, DATA, (authority.root.pem,), NOW))
        except RefusedConsent:
            continue
    assert accepted <= {STAMPED}


@pytest.mark.parametrize("size", [0, 1, 40, -1])
def test_a_damaged_stamp_is_refused(authority: Authority, size: int) -> None:
    words = "has 0 bytes" if size == 0 else "damaged"
    refused(ConsentState.ALTERED, words, authority.token(DATA)[:size], authority)


def test_bytes_after_a_stamp_are_refused(authority: Authority) -> None:
    refused(ConsentState.ALTERED, "damaged", authority.token(DATA) + b"\0", authority)


def test_a_huge_stamp_is_refused(authority: Authority) -> None:
    refused(ConsentState.ALTERED, "has 20000 bytes", bytes(20_000), authority)


def test_sha_1_is_refused_for_the_imprint_and_under_the_signature(authority: Authority) -> None:
    refused(ConsentState.ALTERED, "of its imprint; SHA-256", authority.token(DATA, imprint="sha1"), authority)
    refused(ConsentState.ALTERED, "of its signature; SHA", authority.token(DATA, digest="sha1"), authority)
    hidden = authority.token(DATA, digest="sha1", listed="sha256")
    refused(ConsentState.ALTERED, "does not hold", hidden, authority)


def test_sha_512_is_accepted(authority: Authority) -> None:
    token = authority.token(DATA, imprint="sha512", digest="sha512")
    assert verify_stamp(token, DATA, (authority.root.pem,), NOW) == STAMPED


def test_a_stamp_from_the_future_is_refused_after_five_minutes(authority: Authority) -> None:
    token, roots = authority.token(DATA, at=NOW + timedelta(minutes=5)), (authority.root.pem,)
    assert verify_stamp(token, DATA, roots, NOW) == NOW + timedelta(minutes=5)
    token = authority.token(DATA, at=NOW + timedelta(minutes=5, seconds=1))
    refused(ConsentState.ALTERED, r"from the future \(2026-06-01T00:05:01Z", token, authority)


@pytest.mark.parametrize(
    "options",
    [
        {"usages": (ExtendedKeyUsageOID.EMAIL_PROTECTION,)},
        {"usages": (ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.SERVER_AUTH)},
        {"usages": ()},
        {"critical": False},
    ],
)
def test_a_certificate_that_is_not_for_time_stamping_alone_is_refused(
    authority: Authority, options: dict
) -> None:
    wrong = authority.with_stamper(**options)
    refused(ConsentState.UNTRUSTED, "not one for time stamping alone", wrong.token(DATA), wrong)


def test_a_weak_key_is_refused(authority: Authority) -> None:
    weak = authority.with_stamper(curve=ec.SECP192R1())
    refused(ConsentState.ALTERED, "an elliptic curve of 192 bits", weak.token(DATA), weak)


@pytest.mark.parametrize(("valid", "words"), [((2020, 2026), "had expired"), ((2027, 2030), "not yet valid")])
def test_a_certificate_must_hold_at_the_stamped_time(
    authority: Authority, valid: tuple[int, int], words: str
) -> None:
    outside = authority.with_stamper(valid=valid)
    refused(ConsentState.UNTRUSTED, words, outside.token(DATA), outside)


def test_a_stamp_without_its_certificate_is_refused(authority: Authority) -> None:
    refused(ConsentState.UNTRUSTED, "its signer's certificate", authority.token(DATA, chain=()), authority)


def test_a_second_certificate_of_the_same_name_and_number_is_refused(authority: Authority) -> None:
    twin = replace(authority).with_stamper()
    token = authority.token(DATA, chain=(authority.signer, twin.signer))
    refused(ConsentState.UNTRUSTED, "its signer's certificate", token, authority)


@pytest.mark.parametrize("ess", ["v1", "v2", "sha512"])
def test_each_way_of_naming_the_certificate_is_read(authority: Authority, ess: str) -> None:
    assert verify_stamp(authority.token(DATA, ess=ess), DATA, (authority.root.pem,), NOW) == STAMPED


@pytest.mark.parametrize("ess", ["v1", "v2", "sha512", "none"])
def test_a_signature_that_names_another_certificate_or_none_is_refused(
    authority: Authority, ess: str
) -> None:
    token = authority.token(DATA, ess=ess, named=authority.root)
    refused(ConsentState.UNTRUSTED, "does not name the certificate that it holds", token, authority)


def test_only_named_policies_count_where_they_are_named(authority: Authority) -> None:
    token, roots = authority.token(DATA), (authority.root.pem,)
    assert verify_stamp(token, DATA, roots, NOW, policies=frozenset({POLICY})) == STAMPED
    refused(ConsentState.UNTRUSTED, f"policy {POLICY}", token, authority, policies=frozenset({"1.2.3"}))


def test_roots_and_a_clock_in_utc_are_needed(authority: Authority) -> None:
    token = authority.token(DATA)
    with pytest.raises(InputError, match="there is no certificate in PEM form"):
        verify_stamp(token, DATA, (), NOW)
    with pytest.raises(InputError, match="UTC"):
        verify_stamp(token, DATA, (authority.root.pem,), datetime(2026, 6, 1))


def test_nothing_is_stamped_without_data() -> None:
    with pytest.raises(InputError, match="no data to stamp"):
        stamp_request(b"")


def test_without_the_extra_its_name_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rfc3161_client", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'bodyscan\[timestamp\]'"):
        stamp_request(DATA)
    with pytest.raises(MissingExtraError, match="timestamp"):
        verify_stamp(b"x", DATA, (make_authority().root.pem,), NOW)


openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl command")


@openssl
def test_openssl_as_an_authority_stamps_what_was_asked(tmp_path: Path) -> None:
    """Its moment is the computer's clock, so that the token itself is asked for it."""
    authority = make_authority(between=True, valid=(2020, 2100), ca_valid=(2020, 2100))
    clock_house.write_openssl_authority(tmp_path, authority)
    request = stamp_request(DATA)
    (tmp_path / "a.tsq").write_bytes(request)
    command = ["openssl", "ts", "-reply", "-config", "ts.cnf", "-queryfile", "a.tsq", "-out", "a.tsr"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    response = (tmp_path / "a.tsr").read_bytes()
    token = read_response(response, DATA, request)
    moment = verify_stamp(token, DATA, (authority.root.pem,), datetime(2099, 1, 1, tzinfo=UTC))
    assert datetime(2020, 1, 1, tzinfo=UTC) < moment < datetime(2099, 1, 1, tzinfo=UTC)
    with pytest.raises(RefusedConsent, match="from the future"):
        verify_stamp(token, DATA, (authority.root.pem,), moment - timedelta(minutes=6))


@openssl
def test_openssl_accepts_the_stamps_of_these_tests(tmp_path: Path, authority: Authority) -> None:
    (tmp_path / "data").write_bytes(DATA)
    (tmp_path / "root.pem").write_bytes(authority.root.pem)
    (tmp_path / "a.tsr").write_bytes(authority.response(DATA))
    command = ["openssl", "ts", "-verify", "-data", "data", "-in", "a.tsr", "-CAfile", "root.pem"]
    clock = ["-attime", str(int(STAMPED.timestamp()))]
    result = subprocess.run([*command, *clock], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "Verification: OK" in result.stdout + result.stderr
