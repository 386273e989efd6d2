"""`bake_photos`: colour for the texels of the body's uvs from photos with known cameras.

Three passes. First each photo says how well it sees each texel (`photo_sight`), and the best few are kept
(`photo_weights`); on some thousand points all photos are asked for their coarse colour, from which exposure
and white balance are levelled (`photo_levels`). Then the kept photos are looked up in two bands
(`photo_samples`). Last the bands are mixed: coarse smoothly, fine from the best alone, both without the photo
that disagrees with the median of the others (gloss, a strand of hair, an error of the fit).

What was tried is in `docs/photos.md`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bodyscan.body.model import BodyModel
from bodyscan.errors import InputError
from bodyscan.geometry.normals import area_vectors, vertex_normals
from bodyscan.geometry.raycast import Raycaster
from bodyscan.geometry.srgb import linear_from_srgb
from bodyscan.texture.photo_levels import camera_gains, level_notes
from bodyscan.texture.photo_options import PhotoBakeOptions
from bodyscan.texture.photo_samples import (
    Picture,
    coarse_picture,
    fine_picture,
    level_table,
    leveled,
)
from bodyscan.texture.photo_sight import Sight, facing_texels, look_from, occluders
from bodyscan.texture.photo_weights import MOST_PHOTOS, BestViews
from bodyscan.texture.sample import TexelColors
from bodyscan.texture.texels import Texels
from bodyscan.types import F32, F64, Bool, Mesh, ScanMesh

BLOCK = 200_000
"""Texels that are mixed together: what bounds the memory."""
SURE = 0.25
"""Share of the usual quality of sight at which a texel's weight is 0.63."""
FAIR_TRUST = 0.3
"""Share of the usual quality from which a photo's colour is used for levelling."""
FINE_TOLERANCE = 3.0
"""Photos may differ this much more in single pixels than in what is coarse: edges half a pixel off."""
DARK, BRIGHT = 12.0, 246.0
"""sRGB values between which a colour tells its exposure."""


@dataclass(frozen=True, eq=False)
class PhotoColors:
    """Colours of texels from photos."""

    srgb: F32
    """(T, 3) float32, sRGB 0..255, not rounded; 0 where no photo sees the texel."""
    weight: F32
    """(T,) float32 0..1: how well photos see it; 0 where none does."""
    gains: F64
    """(P, 3) exposure of each photo as it was found, linear red, green and blue, 1 in the geometric mean."""
    notes: tuple[str, ...] = ()

    @property
    def seen(self) -> Bool:
        """(T,) True where at least one photo shows the texel."""
        return self.weight > 0

    @property
    def colors(self) -> TexelColors:
        """The same in linear light, as the other sources of colour give theirs."""
        return TexelColors(linear_from_srgb(self.srgb), self.weight)


def bake_photos(
    model: BodyModel,
    texels: Texels,
    surface_vertices: F64,
    scan: ScanMesh,
    options: PhotoBakeOptions | None = None,
) -> PhotoColors:
    """Return the colour of each of `texels` as the scan's photos show it.

    `surface_vertices` (V, 3) metres, world frame: the fitted surface on the body's topology, in the pose
    that was photographed. Raises `InputError` where the scan has no photos, or none of them shows it.
    """
    options = options or PhotoBakeOptions()
    if not scan.photos:
        raise InputError("bake_photos: the scan has no photos; give some, or bake the scan's own colours.")
    if len(scan.photos) > MOST_PHOTOS:
        raise InputError(f"bake_photos: {len(scan.photos)} photos are more than {MOST_PHOTOS}; give fewer.")
    return _Bake(model, texels, np.asarray(surface_vertices, np.float64), scan, options).run()


class _Bake:
    """The three passes and what they share."""

    def __init__(
        self, model: BodyModel, texels: Texels, vertices: F64, scan: ScanMesh, options: PhotoBakeOptions
    ) -> None:
        self.texels, self.scan, self.options = texels, scan, options
        normals = vertex_normals(vertices, model.faces)
        self.vertices, self.vertex_normals = vertices.astype(np.float32), normals.astype(np.float32)
        self.points, self.normals = texels.points(vertices), texels.normals(normals)
        surface = Mesh(vertices, model.faces)
        self.caster = Raycaster(occluders(scan.mesh, surface))
        self.own = Raycaster(surface)
        self.spacing_m = _texel_spacing(vertices, texels)
        self.sights: list[Sight | None] = []
        self.coarse: list[Picture | None] = []

    def run(self) -> PhotoColors:
        best = BestViews.empty(len(self.texels), min(self.options.views, len(self.scan.photos)))
        observed = self._look(best)
        if not (best.quality > 0).any():
            raise InputError(
                "None of the photos shows the person's surface; the cameras are not in the scan's frame and "
                "unit. Export scan and cameras from the same project."
            )
        names = tuple(photo.name or str(k) for k, photo in enumerate(self.scan.photos))
        gains = self._gains(observed)
        blind = [name for name, sight in zip(names, self.sights, strict=True) if sight is None]
        notes = [f"Photos that show nothing of the person: {', '.join(blind)}."] if blind else []
        notes += level_notes(gains, names)
        base, detail, trust = self._sample(best, gains)
        srgb = mixed(best.quality * trust, base, detail, self.options)
        top = best.quality.max(axis=0)
        weight = 1 - np.exp(-top / (SURE * np.median(top[top > 0])))
        return PhotoColors(srgb, weight.astype(np.float32), gains, tuple(notes))

    def _look(self, best: BestViews) -> _Observations:
        """First pass: fills `best`, and returns what all photos say of some points."""
        step = max(1, len(self.texels) // self.options.level_points)
        chosen = np.arange(step // 2, len(self.texels), step)
        observed = _Observations()
        for k, photo in enumerate(self.scan.photos):
            sight = look_from(photo, self.caster, self.options)
            self.sights.append(sight)
            self.coarse.append(None if sight is None else coarse_picture(sight, self.options.base_mm))
            if sight is None:
                continue
            ids = facing_texels(
                self.vertices, self.vertex_normals, self.texels.faces, self.texels.triangle, sight.eye,
                self.options.steepest_deg,
            )  # fmt: skip
            quality = sight.quality(self.points[ids], self.normals[ids], self.own, self.options)
            seen = quality > 0
            best.offer(k, ids[seen], quality[seen])
            if self.options.level:
                quality = sight.quality(self.points[chosen], self.normals[chosen], self.own, self.options)
                seen = np.flatnonzero(quality > 0)
                columns, rows, _ = sight.project(self.points[chosen[seen]])
                observed.add(k, seen, quality[seen], self.coarse[k].at(columns, rows))  # type: ignore[union-attr]
        return observed

    def _gains(self, observed: _Observations) -> F64:
        count = len(self.scan.photos)
        if not self.options.level or count < 2 or not observed.photo:
            return np.ones((count, 3))
        photo, point, quality, color = observed.joined()
        usual = float(np.median(quality))
        good = (quality > FAIR_TRUST * usual) & (color.min(axis=1) > DARK) & (color.max(axis=1) < BRIGHT)
        _, point = np.unique(point[good], return_inverse=True)
        weight = np.minimum(quality[good] / usual, 2.0).astype(np.float64)
        return camera_gains(
            photo[good], point, linear_from_srgb(color[good]).astype(np.float64), weight, count
        )

    def _sample(self, best: BestViews, gains: F64) -> tuple[np.ndarray, np.ndarray, F32]:
        """Second pass: coarse and fine band (K, T, 3) float16 sRGB, and the share (K, T) not blown."""
        views, texels = best.quality.shape
        base = np.zeros((texels * views, 3), np.float16)
        detail = np.zeros_like(base)
        trust = np.zeros(texels * views, np.float32)
        for k, places in enumerate(best.entries(len(self.scan.photos))):
            sight, coarse = self.sights[k], self.coarse[k]
            if sight is None or coarse is None or not len(places):
                continue
            table = level_table(gains[k])
            ids = places % texels
            columns, rows, depth = sight.project(self.points[ids])
            finest = np.percentile(self.spacing_m[ids] / depth, 25) * sight.photo.K[0, 0]
            fine = fine_picture(sight, table, max(1, int(finest)))
            low = leveled(coarse, table).at(columns, rows)
            sharp = fine.at(columns, rows)
            base[places], detail[places] = low, sharp[:, :3] - low
            trust[places] = sharp[:, 3]
            self.coarse[k] = None
        shape = (views, texels, 3)
        return base.reshape(shape), detail.reshape(shape), trust.reshape(views, texels)


class _Observations:
    """What photos say of points, gathered photo by photo."""

    def __init__(self) -> None:
        self.photo: list[np.ndarray] = []
        self.point: list[np.ndarray] = []
        self.quality: list[np.ndarray] = []
        self.color: list[np.ndarray] = []

    def add(self, photo: int, points: np.ndarray, quality: F32, color: F32) -> None:
        self.photo.append(np.full(len(points), photo))
        self.point.append(points)
        self.quality.append(quality)
        self.color.append(color)

    def joined(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        lists = (self.photo, self.point, self.quality, self.color)
        photo, point, quality, color = (np.concatenate(each) for each in lists)
        return photo, point, quality, color


def mixed(quality: F32, base: np.ndarray, detail: np.ndarray, options: PhotoBakeOptions) -> F32:
    """Mix bands (K, T, 3) of photos that see texels with `quality` (K, T) -> sRGB 0..255 (T, 3) float32."""
    views, texels = quality.shape
    out = np.zeros((texels, 3), np.float32)
    for start in range(0, texels, BLOCK):
        part = slice(start, start + BLOCK)
        share = quality[:, part] / np.maximum(quality[:, part].max(axis=0), 1e-12)
        low = base[:, part].astype(np.float32)
        say = _agreement(share, low, options.disagreement)
        smooth = _normal(say * share**options.base_power)
        fine = detail[:, part].astype(np.float32)
        say = say * _agreement(share, low + fine, FINE_TOLERANCE * options.disagreement)
        steep = _normal(say * (say * share) ** options.detail_power)
        mix = out[part]
        for k in range(views):
            mix += smooth[k][:, None] * low[k]
            mix += steep[k][:, None] * fine[k]
        np.clip(mix, 0, 255, out=mix)
    return out


def _agreement(share: F32, color: F32, scale: float) -> F32:
    """(K, T) 0..1: how far a photo agrees with the one whose green is the lower median of all; 0 if unseen.

    The lower one, because what disturbs adds light (gloss). Two photos cannot outvote each other.
    """
    seen = share > 0
    count = seen.sum(axis=0)
    order = np.where(seen, color[..., 1], np.float32(np.inf)).argsort(axis=0)
    columns = np.arange(len(count))
    middle = order[np.maximum(count - 1, 0) // 2, columns]
    median = color[middle, columns]
    say = np.empty(share.shape, np.float32)
    for k in range(len(share)):
        apart = np.abs(color[k] - median)
        worst = np.maximum(np.maximum(apart[:, 0], apart[:, 1]), apart[:, 2]) / np.float32(scale)
        say[k] = 1 / (1 + worst * worst) ** 2
    return np.where(seen, np.where(count > 2, say, np.float32(1)), np.float32(0))


def _normal(weights: F32) -> F32:
    return weights / np.maximum(weights.sum(axis=0), 1e-12)


def _texel_spacing(vertices: F64, texels: Texels) -> F32:
    """(T,) metres of surface between neighbouring texels."""
    areas = np.linalg.norm(area_vectors(vertices, texels.faces), axis=1)
    count = np.bincount(texels.triangle, minlength=len(areas))
    return np.sqrt(areas / np.maximum(count, 1)).astype(np.float32)[texels.triangle]
