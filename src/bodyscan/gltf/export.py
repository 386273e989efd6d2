"""A twin -> its files: packed for whom they are for, all written or none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from bodyscan.errors import InputError
from bodyscan.files import OutputFile, Writer, write_all
from bodyscan.gltf.container import pack_glb
from bodyscan.gltf.document import Part, collision_part, level_part, part_document
from bodyscan.gltf.options import GltfOptions
from bodyscan.gltf.pack.budget import over_budget
from bodyscan.gltf.pack.options import PackOptions, limited
from bodyscan.gltf.pack.pack import pack
from bodyscan.gltf.targets import Target, load_target
from bodyscan.types import Twin


@dataclass(frozen=True)
class Exported:
    """What was written."""

    files: tuple[OutputFile, ...]
    """The twin first, then its levels of detail, then the collision body."""
    kinds: tuple[str, ...]
    """What each file is: `twin`, `level 1`, `collision body`."""
    findings: tuple[str, ...] = ()
    """What a person should know: packing that the target does not take, a budget that was not met."""

    @property
    def main(self) -> OutputFile:
        """The twin itself."""
        return self.files[0]


def export_twin(
    twin: Twin,
    path: str | Path,
    options: GltfOptions | None = None,
    packing: PackOptions | None = None,
    *,
    write: Writer = write_all,
) -> Exported:
    """Write the twin to `path`, each level of detail and the collision body beside it.

    For `twin.glb`: `twin.glb`, `twin.lod1.glb`, `twin.lod2.glb` ..., `twin.collision.glb`. What the target's
    reader does not take of the packing is left out, and a finding says so. All or nothing: where one cannot
    be made or written, files that stood there are as they were. `write` writes them; that of a ledger
    writes the use down first. Raises `InputError` where the path does not end as the target's files do, the
    twin cannot be written for it, or the folder cannot be written to;
    `MissingExtraError` without the package or program that the packing needs.
    """
    path, options = Path(path), options or GltfOptions()
    target = load_target(options.target)
    check_suffix(path, target)
    packing, left_out = limited(packing or PackOptions(), target.extensions)
    if packing.textures != "keep":
        options = replace(options, texture_format="png")  # images lose once, not twice
    findings = [f"Left out, as the target {target.name} does not read it: {what}." for what in left_out]
    contents: dict[Path, bytes] = {}
    kinds = []
    for (place, kind), part in zip(part_kinds(twin, path).items(), _parts(twin), strict=True):
        document, binary = pack(*part_document(part, twin, options), packing)
        if finding := over_budget(document, packing):
            findings.append(f"{place.name}: {finding}")
        contents[place] = pack_glb(document, binary)
        kinds.append(kind)
    write(contents)
    files = tuple(OutputFile(path=place, size_bytes=len(data)) for place, data in contents.items())
    return Exported(files, tuple(kinds), tuple(findings))


def check_suffix(path: Path, target: Target) -> None:
    """Raise `InputError` where a file for this target would not be called so."""
    if path.suffix.lower() != target.suffix:
        raise InputError(
            f"{path.name} does not end in {target.suffix}, as a file for the target {target.name} does; "
            "give another name or another target."
        )


def part_kinds(twin: Twin, path: str | Path) -> dict[Path, str]:
    """Return the files that `export_twin` writes for `path`, each with what it is; the twin first.

    A file is a `twin`, a `level 1` ..., or a `collision body`.
    """
    path = Path(path)
    kinds = {path: "twin"}
    for index in range(1, len(twin.levels) + 1):
        kinds[path.with_name(f"{path.stem}.lod{index}{path.suffix}")] = f"level {index}"
    if twin.collision is not None:
        # No VRM: a collision body is no avatar.
        kinds[path.with_name(f"{path.stem}.collision.glb")] = "collision body"
    return kinds


def _parts(twin: Twin) -> list[Part]:
    """The parts of a twin, in the order of `part_kinds`."""
    parts = [level_part(twin, index) for index in range(len(twin.levels) + 1)]
    return parts if twin.collision is None else [*parts, collision_part(twin)]
