"""How small a file is made, and the profiles that are named on the command line."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bodyscan.errors import InputError

COMPRESSIONS = ("none", "meshopt", "draco")
TEXTURES = ("keep", "png", "jpeg", "webp", "ktx2")
QUANTIZATION, MESHOPT = "KHR_mesh_quantization", "EXT_meshopt_compression"
DRACO = "KHR_draco_mesh_compression"
WEBP, KTX2 = "EXT_texture_webp", "KHR_texture_basisu"


@dataclass(frozen=True)
class PackOptions:
    """What `pack` does to a document; the defaults leave it as it is."""

    compress: str = "none"
    """Geometry: `none`, `meshopt` (EXT_meshopt_compression) or `draco` (needs the extra `draco`)."""
    quantize: bool = False
    """Store vertices as integers (KHR_mesh_quantization). With `draco` the stream itself is quantised."""
    float_positions: bool = False
    """With `meshopt`: keep positions and shapes as floats on a grid of 2^-16 m (an error of 0.013 mm at
    most) instead of integers. As small in the file, and the inverse binds stay as they are: integers put a
    scale into them, by which some readers misplace joints (Blender by 0.84 m)."""
    position_bits: int = 16
    """Of a position's component, 12 to 16; 16 moves a vertex of a 1.7 m person by 0.02 mm at most."""
    normal_bits: int = 8
    """Of a normal's and tangent's component: 8 (0.5 degrees at most) or 16."""
    weight_bits: int = 8
    """Of a skin weight: 8 or 16."""
    color_bits: int = 16
    """Of a vertex colour's channel, linear: 8 (dark skin loses steps) or 16."""
    morph_normals: bool = True
    """Keep the face shapes' normals."""
    vertex_source: bool = True
    """Keep `_BODY_VERTEX`."""
    tangents: bool = True
    """Keep tangents; readers make their own where there are none."""
    textures: str = "keep"
    """Images as `keep`, `png`, `jpeg`, `webp` (EXT_texture_webp) or `ktx2` (KHR_texture_basisu)."""
    texture_size: int = 0
    """Largest side of an image, pixels, 64 to 16384; 0 leaves it."""
    texture_quality: int = 85
    """Of JPEG and WebP colour images, 1 to 100."""
    normal_quality: int = 90
    """Of JPEG normal maps, 1 to 100; they are never stored with halved chroma."""
    budget_bytes: int = 0
    """What the file should stay below, bytes; 0 for no limit."""

    def __post_init__(self) -> None:
        self._one_of("compress", COMPRESSIONS)
        self._one_of("textures", TEXTURES)
        for name in ("normal_bits", "weight_bits", "color_bits"):
            self._one_of(name, (8, 16))
        self._range("position_bits", 12, 16)
        self._range("texture_quality", 1, 100)
        self._range("normal_quality", 1, 100)
        if self.texture_size:
            self._range("texture_size", 64, 16384)
        if self.budget_bytes < 0:
            raise InputError(f"PackOptions.budget_bytes is {self.budget_bytes}; give 0 or more bytes.")

    def _one_of(self, name: str, known: tuple[object, ...]) -> None:
        value = getattr(self, name)
        if value not in known:
            raise InputError(f"PackOptions.{name} is {value!r}; possible are {', '.join(map(str, known))}.")

    def _range(self, name: str, low: int, high: int) -> None:
        value = getattr(self, name)
        if not low <= value <= high:
            raise InputError(f"PackOptions.{name} is {value}; give {low} to {high}.")

    @property
    def needed_extensions(self) -> frozenset[str]:
        """The glTF extensions that a reader of the packed file must know."""
        needed = {QUANTIZATION} if self.quantize else set()
        needed |= {"meshopt": {MESHOPT}, "draco": {DRACO}}.get(self.compress, set())
        return frozenset(needed | {"webp": {WEBP}, "ktx2": {KTX2}}.get(self.textures, set()))


PROFILES = {
    "master": PackOptions(),
    "web": PackOptions(
        compress="meshopt",
        quantize=True,
        float_positions=True,
        weight_bits=16,
        textures="webp",
        texture_size=2048,
        texture_quality=90,
        budget_bytes=5_000_000,
    ),
    "mobile": PackOptions(
        compress="meshopt",
        quantize=True,
        float_positions=True,
        color_bits=8,
        morph_normals=False,
        vertex_source=False,
        tangents=False,
        textures="webp",
        texture_size=1024,
        texture_quality=80,
        normal_quality=85,
        budget_bytes=3_000_000,
    ),
}
"""`master`: the file as it was written, the one to keep. `web`: 2K images, below 5 MB. `mobile`: 1K images,
below 3 MB."""


def profile(name: str) -> PackOptions:
    """Return the options of a profile. Raises `InputError`, naming the known ones, for another name."""
    if name not in PROFILES:
        raise InputError(f"There is no profile '{name}'; the profiles are {', '.join(PROFILES)}.")
    return PROFILES[name]


def limited(options: PackOptions, accepts: frozenset[str] | None) -> tuple[PackOptions, tuple[str, ...]]:
    """Return the options without what a reader does not take, and what was left out, in words.

    `accepts` names the glTF extensions that the reader knows; None stands for all.
    """
    if accepts is None:
        return options, ()
    left_out = []
    if options.quantize and QUANTIZATION not in accepts:
        options = replace(options, quantize=False)
        left_out.append(f"quantisation ({QUANTIZATION})")
    if options.compress != "none" and not options.needed_extensions & {MESHOPT, DRACO} <= accepts:
        left_out.append(f"compression ({MESHOPT if options.compress == 'meshopt' else DRACO})")
        options = replace(options, compress="none")
    if options.textures in ("webp", "ktx2") and not options.needed_extensions & {WEBP, KTX2} <= accepts:
        left_out.append(f"{options.textures} images, JPEG instead")
        options = replace(options, textures="jpeg")
    return options, tuple(left_out)
