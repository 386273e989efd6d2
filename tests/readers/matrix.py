"""Which reader is given which files, what it cannot show, and what is known to go wrong, with the reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from readers import assimp, babylon, blender, godot, khronos, three, three_vrm, trimesh_reader
from readers.files import PACKINGS, TwinFile
from readers.judge import PARTS, Fault
from readers.report import ReaderReport

TARGETS = tuple(map(TwinFile, ("gltf", "vrm", "mixamo", "unreal", "unity")))
PLAIN_GLTF, VRM, MIXAMO, UNREAL, UNITY = TARGETS
PACKED = tuple(TwinFile("gltf", packing) for packing in PACKINGS)
QUANTISED, MESHOPT, WEB, MOBILE, DRACO = PACKED


@dataclass(frozen=True, eq=False)
class Reader:
    """One reader in the matrix."""

    name: str
    read: Callable[[Path, str, str], ReaderReport]
    """Takes the file, and what it calls the left upper arm and the shape that opens the jaw."""
    files: tuple[TwinFile, ...]
    version: str = ""
    """Name and version of which `known` tells, for a reader that comes with the system; any where empty."""
    mark: str = ""
    """The pytest marker of what it needs: `node`, `browser`, `blender`, or none."""
    unseen: frozenset[str] = frozenset()
    """Parts of a report that it cannot show."""
    known: Mapping[Fault, str] = field(default_factory=dict)
    """What goes wrong with every file that is not in `known_of`, and why."""
    known_of: Mapping[TwinFile, Mapping[Fault, str]] = field(default_factory=dict)
    """All that goes wrong with some files, and why."""

    def faults_of(self, file: TwinFile) -> Mapping[Fault, str]:
        """Return what is known to go wrong with a file, and why."""
        return self.known_of.get(file, self.known)


NO_MESHOPT = {Fault.REFUSED: "does not know EXT_meshopt_compression"}
TANGENTS = {Fault.COMPLAINS: "a normal map without tangents: VRM wants none, and `mobile` saves them"}
NORMALS = {Fault.COMPLAINS: "its exporter scales quantised normals to unit length"}
RAW_INTEGERS = "reads normalised integers as if they were metres"
SAMPLERS = {Fault.COMPLAINS: "its exporter notes that each image has a sampler of its own"}
ROUNDED = {**SAMPLERS, Fault.MOVED: "rounds joint frames that are turned; by less than 0.1 mm"}
NO_NODE_EXTRAS = {Fault.EXTRAS: "drops the extras of nodes; the consent comes through as root extension"}
GODOT_NAMES = {
    Fault.JOINTS_RENAMED: "turns camelCase joint names into snake_case",
    Fault.EXTRAS: "drops all extras",
}

READERS = (
    Reader(
        "Khronos validator",
        khronos.read,
        (*TARGETS, *PACKED),
        mark="node",
        unseen=frozenset(PARTS),
        known_of={VRM: TANGENTS, MOBILE: TANGENTS},
    ),
    Reader(
        "three.js",
        three.read,
        (*TARGETS, QUANTISED, MESHOPT, WEB, DRACO),
        mark="browser",
        known_of={
            MIXAMO: {Fault.JOINTS_RENAMED: "drops the colon from node names"},
            QUANTISED: NORMALS,
            MESHOPT: NORMALS,
            WEB: NORMALS,
        },
    ),
    Reader("three-vrm", three_vrm.read, (VRM,), mark="browser"),
    Reader(
        "Babylon.js",
        babylon.read,
        (*TARGETS, QUANTISED, WEB, MOBILE, DRACO),
        mark="browser",
    ),
    Reader(
        "Blender",
        blender.read,
        (*TARGETS, QUANTISED, WEB, DRACO),
        mark="blender",
        unseen=frozenset({"silhouettes"}),
        known=SAMPLERS,
        known_of={
            MIXAMO: ROUNDED,
            UNREAL: ROUNDED,
            QUANTISED: {
                **SAMPLERS,
                Fault.CONSENT_REFUSED: "shows it rightly and exports it in another pose: the scale that "
                "quantisation puts into the inverse binds misplaces its bones",
            },
            WEB: NO_MESHOPT,
        },
    ),
    Reader(
        "assimp",
        assimp.read,
        (*TARGETS, QUANTISED, WEB, DRACO),
        version="assimp 5.2",
        unseen=frozenset({"arm_m", "jaw_m", "silhouettes", "again"}),
        known={
            Fault.COMPLAINS: "Debian's build stops when it exports nested extras (an assertion)",
            Fault.SHAPES_UNNAMED: "its exporter writes the shapes without their names",
            Fault.EXTRAS: "its exporter writes no extras",
        },
        known_of={
            QUANTISED: {Fault.REFUSED: "finds no mesh where the positions are integers"},
            WEB: NO_MESHOPT,
        },
    ),
    Reader(
        "trimesh",
        trimesh_reader.read,
        (*TARGETS, QUANTISED, WEB, DRACO),
        unseen=frozenset({"joints", "morphs", "arm_m", "jaw_m", "silhouettes"}),
        known=NO_NODE_EXTRAS,
        known_of={
            QUANTISED: {
                **NO_NODE_EXTRAS,
                Fault.HEIGHT: RAW_INTEGERS,
                Fault.CONSENT_REFUSED: RAW_INTEGERS,
            },
            WEB: NO_MESHOPT,
        },
    ),
    Reader(
        "Godot 3",
        godot.read,
        (*TARGETS, QUANTISED, MESHOPT, WEB, DRACO),
        version="Godot 3.2",
        unseen=frozenset({"silhouettes", "again"}),
        known={
            **GODOT_NAMES,
            Fault.SHAPES_STILL: "reads a sparse accessor that has no base from buffer view 0, and fails "
            "(not so where a face shape is stored whole)",
            Fault.COMPLAINS: "that it cannot decode the face shapes' accessors",
        },
        known_of={
            QUANTISED: {
                **GODOT_NAMES,
                Fault.HEIGHT: RAW_INTEGERS,
                Fault.ARM: RAW_INTEGERS,
                Fault.SHAPES_STILL: RAW_INTEGERS,
            },
            MESHOPT: NO_MESHOPT,
            WEB: {Fault.REFUSED: "does not know EXT_meshopt_compression and EXT_texture_webp"},
            DRACO: {Fault.REFUSED: "does not know KHR_draco_mesh_compression"},
        },
    ),
)
