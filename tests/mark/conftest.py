"""A signer of C2PA manifests, the root above, and a manifest."""

from __future__ import annotations

import pytest

from bodyscan.consent.certificates import SigningIdentity
from consent.authority import Certified


@pytest.fixture(scope="module")
def root() -> Certified:
    from consent.authority import certify
    from mark.c2pa_files import VALID  # here, because importing it skips where the extra is missing

    return certify("Root", ca=True, valid=VALID)


@pytest.fixture(scope="module")
def identity(root: Certified) -> SigningIdentity:
    from mark.c2pa_files import identity_of, signer_below

    return identity_of(signer_below(root))


@pytest.fixture(scope="module")
def sidecar(identity: SigningIdentity) -> bytes:
    from bodyscan.mark.c2pa_manifest import sign_sidecar
    from mark.c2pa_files import CONSENT, SOFTWARE, TITLE, glb

    return sign_sidecar(glb(), CONSENT, identity, SOFTWARE, TITLE)
