"""The files that every reader is given: one a target, and the plain glTF packed in each way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from bodyscan.consent import bind, seal
from bodyscan.consent.content import content_of
from bodyscan.consent.demo import make_demo_consent
from bodyscan.gltf import GltfOptions
from bodyscan.gltf.container import pack_glb
from bodyscan.gltf.pack import PackOptions, pack, profile
from bodyscan.gltf.targets import Target, load_target, target_names
from bodyscan.gltf.write import twin_document
from bodyscan.types import Twin
from gltf.complete import NOW, checker_textures
from gltf.full_size import full_size_twin
from readers.report import SHAPE

TEXTURE_PX = 512
PLAIN = "none"


@dataclass(frozen=True)
class TwinFile:
    """One file, and what must be in it."""

    target: str
    packing: str = PLAIN
    """`none` or a way to pack (`PACKINGS`)."""

    @property
    def name(self) -> str:
        """What the file is called in the table."""
        return self.target if self.packing == PLAIN else f"{self.target} {self.packing}"

    @property
    def table(self) -> Target:
        """The target's names and wishes."""
        return load_target(self.target)

    @property
    def joints(self) -> tuple[str, ...]:
        """Names of all joints in the file, roots first."""
        own = twin_in_pose(pose_for(self.table)).rig.skeleton.joint_names
        return (*self.table.roots, *map(self.table.joint_name, own))

    @property
    def morphs(self) -> tuple[str, ...]:
        """Names of all face shapes in the file."""
        return tuple(self.table.morph_name(m.name) for m in twin_in_pose(pose_for(self.table)).morphs)

    @property
    def shape(self) -> str:
        """What the file calls the shape that opens the jaw."""
        return self.table.morph_name(SHAPE)

    @property
    def arm(self) -> str:
        """What the file calls the left upper arm."""
        return self.table.joint_name("leftUpperArm")

    @property
    def triangles(self) -> int:
        """How many the body has."""
        return len(twin_in_pose(pose_for(self.table)).rig.mesh.faces)

    @property
    def height_m(self) -> float:
        """From the soles to the crown, metres."""
        heights = twin_in_pose(pose_for(self.table)).rig.mesh.vertices[:, 1]
        return float(heights.max() - heights.min())

    def write(self, folder: Path) -> Path:
        """Write the file once below `folder` and return its path."""
        path = folder / f"{self.name.replace(' ', '_')}{self.table.suffix}"
        if not path.exists():
            path.write_bytes(self.data())
        return path

    def data(self) -> bytes:
        """Return the file's bytes."""
        twin = twin_in_pose(pose_for(self.table))
        document, binary = twin_document(twin, GltfOptions(target=self.target))
        if self.packing != PLAIN:
            document, binary = pack(document, binary, PACKINGS[self.packing])
        return pack_glb(document, binary)


PACKINGS = {
    "quantised": PackOptions(quantize=True),
    "meshopt": PackOptions(quantize=True, compress="meshopt"),
    "web": profile("web"),
    "mobile": profile("mobile"),
    "draco": PackOptions(compress="draco"),
}
"""Ways to pack a file, by the name that the table gives them."""


def pose_for(target: Target) -> str:
    """Return the pose that a target's twin stands in; `a` where any will do."""
    return target.rest_pose if target.rest_pose in ("a", "t") else "a"


@cache
def twin_in_pose(pose: str) -> Twin:
    """Return the packaged body in the pose `a` or `t`, with images and a demo consent bound to it."""
    twin = replace(full_size_twin(pose), textures=checker_textures(TEXTURE_PX))
    demo = make_demo_consent("Alba")
    about = seal(content_of(twin.rig, twin.morphs, twin.textures))
    consent = bind(demo.text, about, demo.controller_key, created_at=NOW, software="bodyscan test")
    return replace(twin, consent=consent)


def twin_files() -> Iterator[TwinFile]:
    """Yield all files: each target as it is written, then plain glTF packed in each way."""
    yield from map(TwinFile, target_names())
    for packing in PACKINGS:
        yield TwinFile("gltf", packing)
