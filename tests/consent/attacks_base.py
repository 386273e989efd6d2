"""The honest twin that each attack starts from, what a row of the attack table is, and how it is judged."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bodyscan.consent import strict_json
from bodyscan.consent.binding import bind
from bodyscan.consent.content import content_of
from bodyscan.consent.evidence import Evidence
from bodyscan.consent.keys import SigningKey, key_from_seed
from bodyscan.consent.policy import Use
from bodyscan.consent.record import Medium, Purpose
from bodyscan.consent.seal import Seal, seal
from bodyscan.consent.state import BindingVerdict, ConsentState, ConsentStatus, Decision
from bodyscan.consent.verify import verify_content, verify_record
from bodyscan.errors import ConsentError
from bodyscan.gltf.accessors import COMPONENTS, WIDTHS
from bodyscan.gltf.consent_copies import consent_copies, replace_consent
from bodyscan.gltf.container import pack_glb, unpack_glb
from bodyscan.gltf.read_content import read_content
from bodyscan.gltf.write import twin_to_glb
from bodyscan.types import SkinTextures, Twin
from consent.people import NOW, STUDIO, signed_values
from consent.status_lists import both, listed_values
from gltf.shapes import small_twin

BEN = key_from_seed(bytes([8]) * 32)
"""Another person."""
BOUND = datetime(2026, 5, 1, tzinfo=UTC)
"""When the honest twin was made."""
USE = Use(Purpose.VIRTUAL_TRY_ON, "DE", Medium.WEB, licensee="Shop", product_line="Spring")
"""What the honest twin is asked for."""
SIDE = 128
"""Pixels of the skin image's side."""
SKIN, OTHER_SKIN = (205, 160, 135), (120, 82, 62)


@dataclass(frozen=True, eq=False)
class Case:
    """What a verifier is handed and what it knows."""

    file: bytes | str
    """A GLB, or the JSON text of a consent."""
    evidence: Evidence = field(default_factory=lambda: known())


@dataclass(frozen=True)
class Verdict:
    """What a verifier must say."""

    decision: Decision
    state: ConsentState
    reason: str = ""
    """A piece of the reason."""
    geometry: BindingVerdict | None = None
    clause: str = ""
    copies: int = 3
    """Places of the file that hold the consent; fewer than three make a warning."""
    parts: Mapping[str, str] = field(default_factory=dict)
    """Part -> its verdict's word, where it matters."""


@dataclass(frozen=True)
class Unreadable:
    """The file is refused before any verdict: `InputError`, exit code 3."""

    reason: str


@dataclass(frozen=True, eq=False)
class Attack:
    """One row: a file, the use that is asked about, the moment, and what must be answered."""

    name: str
    """A sentence."""
    kind: str
    """The heading below which the row stands."""
    expected: Verdict | Unreadable
    build: Callable[[], Case | bytes | str]
    use: Use = USE
    now: datetime = NOW
    succeeds: str = ""
    """Why the attack is not stopped yet; empty where it is. The test then expects the row to fail."""

    @cached_property
    def case(self) -> Case:
        """The file and the evidence, built once."""
        made = self.build()
        return made if isinstance(made, Case) else Case(made)

    def judge(self) -> ConsentStatus:
        """Return what the package says, as `bodyscan consent verify` asks it.

        Raises `InputError` for a file that cannot be read.
        """
        case = self.case
        if isinstance(case.file, str):
            strict_json.loads(case.file, "the consent")
            return verify_record(case.file, self.now, self.use, case.evidence)
        try:
            text, content = read_content(case.file)
        except ConsentError as error:
            return ConsentStatus(ConsentState.ALTERED, str(error), geometry=BindingVerdict.ALTERED)
        return verify_content(text, content, self.now, self.use, case.evidence)


class Rows(list[Attack]):
    """Rows below one heading; `row` adds the builder that it stands above."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def row(self, name: str, expected: Verdict | Unreadable, **more: Any) -> Callable[..., Any]:
        """Decorate a builder without arguments as one row; `more` are fields of `Attack`."""

        def add(build: Callable[[], Case | bytes | str]) -> Callable[[], Case | bytes | str]:
            self.append(Attack(name, self.kind, expected, build, **more))
            return build

        return add


def allow(geometry: BindingVerdict | None = BindingVerdict.EXACT, reason: str = "", **more: Any) -> Verdict:
    """The use is allowed."""
    return Verdict(Decision.ALLOW, ConsentState.VALID, reason, geometry, **more)


def deny(state: ConsentState, reason: str, geometry: BindingVerdict | None = None, **more: Any) -> Verdict:
    """The use is denied."""
    return Verdict(Decision.DENY, state, reason, geometry, **more)


def altered_text(reason: str) -> Verdict:
    """The consent itself is not what was signed, so that the body is not looked at."""
    return deny(ConsentState.ALTERED, reason)


def altered_body(reason: str, **more: Any) -> Verdict:
    """The body was changed after it was bound."""
    return deny(ConsentState.ALTERED, reason, BindingVerdict.ALTERED, **more)


def other_body(reason: str = "belongs to another body") -> Verdict:
    """The consent is bound to another body than this one."""
    return deny(ConsentState.UNBOUND, reason, BindingVerdict.UNBOUND)


def unknown(reason: str, clause: str = "", geometry: BindingVerdict | None = None) -> Verdict:
    """What would be needed to allow it is not known."""
    return Verdict(Decision.UNKNOWN, ConsentState.UNKNOWN, reason, geometry, clause)


@cache
def known() -> Evidence:
    """What the verifier of the honest twin has: both status lists, fresh, with no bit set."""
    return Evidence(status_lists=tuple(both(1, 2, 3)))


def record_values(**places: Any) -> dict[str, Any]:
    """Return the values of the honest record, with deep changes (`scope__territories`)."""
    return listed_values(**{"scope__product_lines": ["Spring"], **places})


@cache
def signed_record() -> str:
    """Anna's record with both signatures."""
    return signed_values(record_values())


@cache
def skin_image(face: int = 0, tone: tuple[int, int, int] = SKIN) -> NDArray[np.uint8]:
    """Return (SIDE, SIDE, 3) uint8: skin with eyes and a mouth; `face` 1 has others of them."""
    rows, columns = np.mgrid[:SIDE, :SIDE] / SIDE
    shade = 1 + 0.08 * np.sin(2 * np.pi * rows) * np.cos(2 * np.pi * columns)
    image = np.asarray(tone) * shade[..., None]
    places = ((0.3, 0.3), (0.3, 0.7), (0.7, 0.5)) if face == 0 else ((0.45, 0.2), (0.45, 0.8), (0.85, 0.5))
    for row, column in places:
        near = np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / 0.004)
        image = image * (1 - 0.6 * near[..., None])
    return np.clip(image, 0, 255).astype(np.uint8)


@cache
def bare_twin(face: int = 0) -> Twin:
    """The small body with rig, face shapes and a skin image; its consent is not of this record."""
    return replace(small_twin(), textures=SkinTextures(skin_image(face)))


@cache
def sealed(twin: Twin) -> Seal:
    """Return the seal of a twin."""
    return seal(content_of(twin.rig, twin.morphs, twin.textures))


def bound_text(
    twin: Twin, record: str, key: SigningKey = STUDIO, created_at: datetime = BOUND, scan: str | None = None
) -> str:
    """Return a signed record bound to a twin."""
    return bind(record, sealed(twin), key, created_at=created_at, software="bodyscan test", scan_sha256=scan)


@cache
def consent() -> str:
    """The consent text of the honest twin."""
    return bound_text(bare_twin(), signed_record())


@cache
def honest() -> bytes:
    """The honest twin's file: allowed, exact."""
    return twin_to_glb(replace(bare_twin(), consent=consent()))


def bundle() -> dict[str, Any]:
    """Return the honest consent's members, to be changed."""
    return json.loads(consent())


def with_text(text: str | Mapping[str, Any]) -> bytes:
    """Return the honest twin's file with another consent text in all three places."""
    document, binary = unpack_glb(honest())
    text = text if isinstance(text, str) else json.dumps(text)
    return pack_glb(replace_consent(document, text), binary)


def with_record(record: str | Mapping[str, Any]) -> bytes:
    """Return the honest twin's file whose consent holds another signed record beside the honest binding."""
    return with_text({**bundle(), "record": json.loads(record) if isinstance(record, str) else record})


def bound_to_honest(record: str, **options: Any) -> bytes:
    """Return the honest body's file under another record that was rightly bound to it."""
    return with_text(bound_text(bare_twin(), record, **options))


class Glb:
    """A file taken apart, to be changed and joined again."""

    def __init__(self, data: bytes | None = None) -> None:
        document, binary = unpack_glb(data or honest())
        self.document: dict[str, Any] = json.loads(json.dumps(document))
        self.binary = bytearray(binary)

    @property
    def primitive(self) -> dict[str, Any]:
        """The body's one primitive."""
        return self.document["meshes"][0]["primitives"][0]

    @property
    def material(self) -> dict[str, Any]:
        """The skin's material."""
        return self.document["materials"][0]

    @property
    def surface(self) -> dict[str, Any]:
        """The metallic-roughness part of the material."""
        return self.material["pbrMetallicRoughness"]

    def array(self, accessor: int) -> NDArray[Any]:
        """Return (N, C) of a plain accessor, to be changed in place."""
        item = self.document["accessors"][accessor]
        view = self.document["bufferViews"][item["bufferView"]]
        kind, width = COMPONENTS[item["componentType"]], WIDTHS[item["type"]]
        begin = view.get("byteOffset", 0) + item.get("byteOffset", 0)
        flat = np.frombuffer(self.binary, kind, item["count"] * width, begin)
        return flat.reshape(item["count"], width)

    def attribute(self, name: str) -> NDArray[Any]:
        """Return an attribute of the body, to be changed in place."""
        return self.array(self.primitive["attributes"][name])

    def add_view(self, data: bytes) -> int:
        """Append bytes and return their view."""
        # A new buffer: arrays that stand on the old one keep it from growing.
        self.binary = bytearray(self.binary + b"\0" * (-len(self.binary) % 4))
        view = {"buffer": 0, "byteOffset": len(self.binary), "byteLength": len(data)}
        self.document["bufferViews"].append(view)
        self.binary += data
        return len(self.document["bufferViews"]) - 1

    def add_array(self, array: NDArray[Any]) -> int:
        """Append an array (N,) or (N, C) and return its accessor."""
        kind = next(code for code, dtype in COMPONENTS.items() if dtype == array.dtype)
        width = 1 if array.ndim == 1 else array.shape[1]
        names = {columns: name for name, columns in WIDTHS.items()}
        item = {
            "bufferView": self.add_view(np.ascontiguousarray(array).tobytes()),
            "componentType": kind,
            "count": len(array),
            "type": names[width],
        }
        self.document["accessors"].append(item)
        return len(self.document["accessors"]) - 1

    def add_image(self, data: bytes, mime: str = "image/png") -> int:
        """Append an image file and return its image."""
        self.document["images"].append({"bufferView": self.add_view(data), "mimeType": mime})
        return len(self.document["images"]) - 1

    def add_texture(self, data: bytes, mime: str = "image/png") -> int:
        """Append an image file with a texture and return the texture."""
        self.document["textures"].append({"sampler": 0, "source": self.add_image(data, mime)})
        return len(self.document["textures"]) - 1

    def to_bytes(self) -> bytes:
        """Return the file."""
        return pack_glb(self.document, bytes(self.binary))


def warning_copies(file: bytes) -> int:
    """Return how many places of a file hold the consent."""
    return len(consent_copies(unpack_glb(file)[0]))


def write_evidence(folder: Path, evidence: Evidence) -> None:
    """Write evidence as the folder that `--evidence` takes."""
    folder.mkdir()

    def put(kind: str, suffix: str, texts: tuple[str | bytes, ...]) -> None:
        for number, text in enumerate(texts):
            (folder / kind).mkdir(exist_ok=True)
            data = text if isinstance(text, bytes) else text.encode()
            (folder / kind / f"{number}.{suffix}").write_bytes(data)

    put("lists", "jwt", tuple(evidence.status_lists))
    put("withdrawals", "json", tuple(evidence.withdrawals))
    put("keys", "json", tuple(history.to_text() for history in evidence.histories))
    put("authorities", "pem", evidence.stamp_roots)
    put("packers", "jwk", tuple(json.dumps(key.model_dump()) for key in evidence.trusted.packers))
    if evidence.memory is not None:
        (folder / "memory.json").write_text(evidence.memory.to_text())
    sides = {"people": evidence.trusted.people, "controllers": evidence.trusted.controllers}
    lines = [f"{side} = {json.dumps(sorted(keys))}" for side, keys in sides.items() if keys is not None]
    (folder / "trusted.toml").write_text("\n".join([*lines, ""]))
