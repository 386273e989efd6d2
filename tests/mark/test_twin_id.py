from __future__ import annotations

from hashlib import sha256

import pytest

from bodyscan.consent import geometry_digest, open_consent
from bodyscan.consent.demo import make_demo_consent
from bodyscan.errors import ConsentError, InputError
from bodyscan.mark.twin_id import NO_GEOMETRY, TwinName, bound_geometry, mark_under, names_of_consent, twin_id
from mark.twins import bound_twin


def test_an_id_is_the_start_of_a_digest_of_both_parts() -> None:
    expected = sha256(b"bodyscan twin id v1\nrecord\ntri-sha256-v1:00\n").digest()[:8]
    assert twin_id("record", "tri-sha256-v1:00") == expected


def test_parts_cannot_be_shifted_into_each_other() -> None:
    assert twin_id("ab", "c") != twin_id("a", "bc")
    assert twin_id("a", NO_GEOMETRY) != twin_id("a", "a")


@pytest.mark.parametrize(("record_id", "geometry"), [("", "g"), (" ", "g"), ("a\nb", "g"), ("a", "g\n")])
def test_parts_that_are_none_are_refused(record_id: str, geometry: str) -> None:
    with pytest.raises(InputError, match="No twin id can be made"):
        twin_id(record_id, geometry)


def test_the_mark_of_a_twin_names_its_record_and_its_geometry() -> None:
    twin = bound_twin()
    record = open_consent(twin.consent).record
    digest = geometry_digest(twin.rig.mesh.vertices.astype("f4"), twin.rig.mesh.faces)
    mark = mark_under(twin.consent, "render", "bodyscan test")
    assert bound_geometry(twin.consent) == digest
    assert mark.twin_id == twin_id(record.record_id, digest).hex()
    assert (mark.record_id, mark.subject_pseudonym) == (record.record_id, record.subject.pseudonym)
    assert mark.twin_bytes.hex() == mark.twin_id


def test_a_consent_names_pictures_of_its_twin_and_of_its_scan() -> None:
    twin = bound_twin()
    record = open_consent(twin.consent).record
    name = TwinName(record.record_id, record.subject.pseudonym, "twin.glb")
    assert names_of_consent(twin.consent, "twin.glb") == {
        twin_id(record.record_id, bound_geometry(twin.consent)): name,
        twin_id(record.record_id, NO_GEOMETRY): name,
    }


def test_a_record_without_a_binding_names_pictures_of_the_scan_alone() -> None:
    demo = make_demo_consent("Alba")
    assert len(names_of_consent(demo.text, "a.json")) == 1
    assert bound_geometry(demo.text) == NO_GEOMETRY


def test_a_forged_consent_names_nobody() -> None:
    with pytest.raises(ConsentError):
        names_of_consent(bound_twin().consent.replace('"payload":"ey', '"payload":"eY', 1), "twin.glb")
