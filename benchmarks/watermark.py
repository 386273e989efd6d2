"""What the invisible watermark survives, what it costs to the eye, and how often it is seen where there is
none.

    python benchmarks/watermark.py [--folder PICTURES] [--only NAME] [--unmarked 200] [--record]

The pictures are made here (`watermark_pictures.py`); `--folder` takes one's own instead. A picture that is
not read counts as half of its bits right: that is what guessing gives. `--record` writes
`results/watermark.csv`.
"""

from __future__ import annotations

import argparse
import csv
import io
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from delta_e import delta_e_2000
from fit_record import git_revision
from PIL import Image
from scipy.ndimage import gaussian_filter
from watermark_pictures import dead_leaves, folder_pictures, made_pictures, natural_noise, people_pictures

from bodyscan import __version__
from bodyscan.mark.watermark_code import CODE_BITS, decode, encode
from bodyscan.mark.watermark_detect import find_watermark, reads_back
from bodyscan.mark.watermark_embed import embed_watermark, luma, watermark_gap

RESULTS = Path(__file__).parent / "results" / "watermark.csv"
Change = Callable[[np.ndarray], np.ndarray]
BITS = 64
SIDES = (200, 280, 400)
SMALL_EVERY = 3
"""Of the pictures, every third is also marked at small sizes."""


def saved(kind: str, quality: int) -> Change:
    """As a file of this format shows the picture."""

    def change(image: np.ndarray) -> np.ndarray:
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, kind, quality=quality)
        with Image.open(buffer) as again:
            return np.asarray(again.convert("RGB"))

    return change


def scaled(factor: float, method: Image.Resampling = Image.Resampling.LANCZOS) -> Change:
    """Both sides by `factor`."""

    def change(image: np.ndarray) -> np.ndarray:
        size = (round(image.shape[1] * factor), round(image.shape[0] * factor))
        return np.asarray(Image.fromarray(image).resize(size, method))

    return change


def cropped(share: float, right: float = 0.5, down: float = 0.5) -> Change:
    """`share` of the width and of the height; the place from 0 (left, top) to 1, 0.5 is the middle."""

    def change(image: np.ndarray) -> np.ndarray:
        height, width = (round(side * share) for side in image.shape[:2])
        top, left = round((image.shape[0] - height) * down), round((image.shape[1] - width) * right)
        return image[top : top + height, left : left + width]

    return change


def turned(degrees: float) -> Change:
    """About the middle; what comes in at the corners is black."""

    def change(image: np.ndarray) -> np.ndarray:
        return np.asarray(Image.fromarray(image).rotate(degrees, Image.Resampling.BICUBIC))

    return change


def squeezed(share: float) -> Change:
    """The width alone."""

    def change(image: np.ndarray) -> np.ndarray:
        size = (round(image.shape[1] * share), image.shape[0])
        return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS))

    return change


def after(*changes: Change) -> Change:
    """One change after the other."""

    def change(image: np.ndarray) -> np.ndarray:
        for one in changes:
            image = one(image)
        return image

    return change


CHANGES: dict[str, Change] = {
    "none": lambda image: image,
    "JPEG 50": saved("JPEG", 50),
    "JPEG 75": saved("JPEG", 75),
    "half size": scaled(0.5),
    "half size, bilinear": scaled(0.5, Image.Resampling.BILINEAR),
    "centre crop, half of each side": cropped(0.5),
    "centre crop, half of the area": cropped(0.5**0.5),
    "top left quarter": cropped(0.5, 0, 0),
    "WebP 80": saved("WEBP", 80),
    "WebP 50": saved("WEBP", 50),
    "half size, JPEG 75": after(scaled(0.5), saved("JPEG", 75)),
    "half size, JPEG 50": after(scaled(0.5), saved("JPEG", 50)),
    "centre crop, JPEG 75": after(cropped(0.5), saved("JPEG", 75)),
    "JPEG 50, centre crop": after(saved("JPEG", 50), cropped(0.5)),
    "centre crop, half size": after(cropped(0.5), scaled(0.5)),
    "three quarters": scaled(0.75),
    "one third": scaled(1 / 3),
    "one and a half": scaled(1.5),
    "turned by half a degree": turned(0.5),
    "squeezed by 3 % in width": squeezed(0.97),
    "blurred, 2 px": lambda image: gaussian_filter(image, (2, 2, 0)),
    "mirrored": lambda image: np.ascontiguousarray(image[:, ::-1]),
    "turned by 90 degrees": lambda image: np.ascontiguousarray(np.rot90(image)),
}
SLOW, FEWER = (
    (
        "three quarters",
        "one third",
        "turned by half a degree",
        "squeezed by 3 % in width",
        "one and a half",
        "mirrored",
        "turned by 90 degrees",
    ),
    4,
)
"""Changes for which all scales and turns are searched: every fourth picture."""
SMALL = ("none", "JPEG 75", "JPEG 50", "half size")


def main() -> None:
    """Read the command line, run, print, and record where asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, help="pictures of your own instead of those made here")
    parser.add_argument("--only", default="", help="pictures whose name holds this text")
    parser.add_argument("--unmarked", type=int, default=200, help="pictures without a mark that are searched")
    parser.add_argument("--record", action="store_true", help="write results/watermark.csv")
    given = parser.parse_args()
    source = folder_pictures(given.folder) if given.folder else pictures()
    chosen = [(name, image) for name, image in source if given.only in name]
    rows = [*visibility(chosen), *survival(chosen), *small(chosen), *false_alarms(chosen, given.unmarked)]
    rows += wrong_ids()
    if given.record:
        record(rows)


def pictures() -> Iterator[tuple[str, np.ndarray]]:
    """All pictures that are made here."""
    yield from people_pictures()
    yield from made_pictures()


def visibility(chosen: list[tuple[str, np.ndarray]]) -> list[dict]:
    """PSNR, SSIM and CIEDE2000 of marked against unmarked, by kind of picture, and the time of
    embedding."""
    found: dict[str, list[tuple]] = {}
    for name, image in chosen:
        began = time.process_time()
        marked = embed_watermark(image, b"visible?")
        seconds = (time.process_time() - began) / (image.size / 3e6)
        error = delta_e_2000(image.reshape(-1, 3)[::7], marked.reshape(-1, 3)[::7])
        values = psnr(image, marked), ssim(image, marked), float(np.percentile(error, 99)), seconds
        found.setdefault(kind_of(name), []).append(values)
    rows = []
    for kind, values in found.items():
        table = np.array(values)
        rows.append(
            show(
                part="visibility",
                case=kind,
                pictures=len(table),
                psnr_least=round(table[:, 0].min(), 1),
                ssim_least=round(table[:, 1].min(), 4),
                delta_e_p99_most=round(table[:, 2].max(), 2),
                cpu_s_per_megapixel=round(float(np.median(table[:, 3])), 3),
            )
        )
    return rows


def kind_of(name: str) -> str:
    """The group that a picture is counted in."""
    words = name.split()
    if words[0] == "flat":
        return name
    of_person = len(words) == 3 and words[1] in ("full", "portrait")
    return f"people, {words[-1]} backdrop" if of_person else "others"


def survival(chosen: list[tuple[str, np.ndarray]]) -> list[dict]:
    """One row a change: how many pictures were read, how many bits were right."""
    random = np.random.default_rng(7)
    marked = []
    for name, image in chosen:
        payload = random.bytes(BITS // 8)
        marked.append((name, payload, embed_watermark(image, payload)))
    return [
        row_of("survival", case, change, marked[:: FEWER if case in SLOW else 1])
        for case, change in CHANGES.items()
    ]


def small(chosen: list[tuple[str, np.ndarray]]) -> list[dict]:
    """The same for pictures made small before they are marked, by the length of the shorter side."""
    random, rows = np.random.default_rng(8), []
    for side in SIDES:
        marked, refused = [], 0
        for name, image in chosen[::SMALL_EVERY]:
            reduced = scaled(side / min(image.shape[:2]))(image)
            payload = random.bytes(BITS // 8)
            laid = embed_watermark(reduced, payload)
            if not watermark_gap(reduced.shape[1], reduced.shape[0]) and reads_back(laid, payload):
                marked.append((name, payload, laid))
            else:
                refused += 1
        if marked:
            part = f"shorter side {side} px"
            rows += [{**row_of(part, case, CHANGES[case], marked), "refused": refused} for case in SMALL]
    return rows


def row_of(part: str, case: str, change: Change, marked: list[tuple[str, bytes, np.ndarray]]) -> dict:
    """Search all marked pictures after one change."""
    read, wrong, right, pilots, turned, seconds, lost = 0, 0, 0.0, [], [], [], []
    for name, payload, image in marked:
        changed = change(image)
        began = time.process_time()
        search = find_watermark(changed)
        seconds.append(time.process_time() - began)
        pilots.append(search.pilot)
        if search.watermark is None:
            right += BITS / 2
            lost.append(name)
            continue
        differing = int.from_bytes(search.watermark.payload, "big") ^ int.from_bytes(payload, "big")
        right += BITS - differing.bit_count()
        read += not differing
        wrong += bool(differing)
        turned.append(search.watermark.turned)
    return show(
        part=part,
        case=case,
        pictures=len(marked),
        read=read,
        wrong=wrong,
        bits_right_percent=round(100 * right / (BITS * len(marked)), 2),
        pilot_least=round(min(pilots), 1),
        turned_median=float(np.median(turned)) if turned else "",
        cpu_s_median=round(float(np.median(seconds)), 2),
        cpu_s_most=round(max(seconds), 2),
        lost="; ".join(lost),
    )


def false_alarms(chosen: list[tuple[str, np.ndarray]], count: int) -> list[dict]:
    """Search pictures without a mark: those given, and others made with as many seeds as are asked for."""
    found, pilots = 0, []
    for image in unmarked_pictures(chosen, count):
        search = find_watermark(image)
        found += search.watermark is not None
        pilots.append(search.pilot)
    if not pilots:
        return []
    return [
        show(
            part="no mark",
            case="searched in all scales and turns",
            pictures=len(pilots),
            found=found,
            pilot_most=round(max(pilots), 2),
            pilot_p99=round(float(np.percentile(pilots, 99)), 2),
        )
    ]


def unmarked_pictures(chosen: list[tuple[str, np.ndarray]], count: int) -> Iterator[np.ndarray]:
    """`count` pictures: the chosen ones whole, cropped and saved, then made ones with new seeds."""
    random = np.random.default_rng(9)
    changes = list(CHANGES.values())
    for number in range(count):
        kind = number % 3
        if kind == 0 and chosen:
            image = chosen[(number // 3) % len(chosen)][1]
        elif kind == 1:
            image = natural_noise(400, random.uniform(5, 45), random)
        else:
            image = dead_leaves(400, random.uniform(2, 12), random)
        yield changes[number % len(changes)](image)


def wrong_ids() -> list[dict]:
    """Decode code words in noise: how often the code gives nothing, and how often it gives another id."""
    random, rows = np.random.default_rng(10), []
    for decibel, count in ((0, 1000), (-2, 1000), (-4, 10000)):
        right = wrong = 0
        for _ in range(count):
            payload = random.bytes(BITS // 8)
            noise = random.standard_normal(CODE_BITS) * 10 ** (-decibel / 20)
            decoded = decode(encode(payload) + noise)
            right += decoded is not None and decoded.payload == payload
            wrong += decoded is not None and decoded.payload != payload
        rows.append(show(part="code", case=f"{decibel} dB", pictures=count, read=right, wrong=wrong))
    return rows


def psnr(one: np.ndarray, two: np.ndarray) -> float:
    """Peak signal to noise, dB, over all channels."""
    return float(10 * np.log10(255**2 / np.square(one.astype(float) - two).mean()))


def ssim(one: np.ndarray, two: np.ndarray) -> float:
    """Structural similarity of the luma (Z. Wang et al., 2004): Gaussian window of 1.5 px."""
    x, y = luma(one).astype(float), luma(two).astype(float)

    def mean(value: np.ndarray) -> np.ndarray:
        return gaussian_filter(value, 1.5, truncate=3.5)

    mx, my = mean(x), mean(y)
    vx, vy, vxy = mean(x * x) - mx * mx, mean(y * y) - my * my, mean(x * y) - mx * my
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    index = (2 * mx * my + c1) * (2 * vxy + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))
    return float(index.mean())


def show(**row: object) -> dict:
    """Print a row and return it."""
    print("  ".join(f"{key} {value}" for key, value in row.items() if value != ""), flush=True)
    return row


def record(rows: list[dict]) -> None:
    """Write all rows to `results/watermark.csv`, in place of what stood there."""
    stamp = {"date": datetime.now(UTC).date().isoformat(), "version": __version__, "revision": git_revision()}
    names = list(dict.fromkeys([*stamp, *(key for row in rows for key in row)]))
    with RESULTS.open("w", newline="") as file:
        writer = csv.DictWriter(file, names, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows({**stamp, **row} for row in rows)


if __name__ == "__main__":
    main()
