"""Decodes the bitstreams of EXT_meshopt_compression and KHR_meshopt_compression in plain numpy.

Written after the published bitstream (Appendix A of both extensions, Khronos Group): attribute streams of
version 0 and 1, triangle and index streams. Verification of a consent must not depend on a compiled
decoder, so this one needs numpy alone; a twin of 15,000 vertices takes about a quarter of a second.

An attribute stream has no table of lengths: where a group of 16 deltas ends depends on how many of them are
escapes. One pass of plain Python walks over the groups (with the escapes of every place counted beforehand),
a second, vectorised pass unpacks all groups of one width at once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bodyscan.errors import InputError
from bodyscan.gltf.decode_meshopt_filters import FILTERS, apply_filter
from bodyscan.gltf.decode_meshopt_indices import decode_indices, decode_triangles

GROUP = 16
"""Elements whose deltas share one width."""
MAX_DECODED = 1 << 28
"""Bytes that one stream may hold decoded; a short stream can stand for a thousand times its length."""
WIDTHS_V0 = (0, 2, 4, 8)
WIDTHS_V1 = ((0, 1, 2, 4), (1, 2, 4, 8))
"""Bits a delta by the two header bits of its group, for control modes 0 and 1 of version 1."""


def decode_meshopt(data: bytes, count: int, stride: int, mode: str, filter_name: str) -> NDArray[np.uint8]:
    """Return the (count, stride) uint8 elements of a compressed view.

    `mode` is `ATTRIBUTES`, `TRIANGLES` or `INDICES`, `filter_name` `NONE`, `OCTAHEDRAL`, `QUATERNION`,
    `EXPONENTIAL` or `COLOR`. Raises `InputError` where a value is outside of what the extension allows, the
    stream is cut short or holds too much, or the decoded data would fill more than 256 MiB.
    """
    _check(count, stride, mode, filter_name)
    if mode == "ATTRIBUTES":
        return apply_filter(decode_attributes(data, count, stride), filter_name)
    decode = decode_triangles if mode == "TRIANGLES" else decode_indices
    indices = decode(data, count)
    if stride == 2 and len(indices) and indices.max() > 0xFFFF:
        raise _damaged("an index is too large for 16 bits")
    return indices.astype("<u2" if stride == 2 else "<u4").view(np.uint8).reshape(count, stride)


def _check(count: int, stride: int, mode: str, filter_name: str) -> None:
    if mode not in ("ATTRIBUTES", "TRIANGLES", "INDICES"):
        raise _damaged(f"the mode {mode!r} is not known")
    if filter_name not in FILTERS:
        raise _damaged(f"the filter {filter_name!r} is not known")
    if mode == "ATTRIBUTES":
        if not (0 < stride <= 256 and stride % 4 == 0):
            raise _damaged(f"the stride {stride} is not a multiple of 4 up to 256")
        if stride not in FILTERS[filter_name]:
            raise _damaged(f"the filter {filter_name} does not go with the stride {stride}")
    elif stride not in (2, 4) or filter_name != "NONE":
        raise _damaged(f"{mode} has the stride {stride} and the filter {filter_name}")
    if count < 0 or count * stride > MAX_DECODED:
        raise _damaged(f"{count} elements of {stride} bytes are more than {MAX_DECODED} bytes")


def decode_attributes(data: bytes, count: int, stride: int) -> NDArray[np.uint8]:
    """Return the (count, stride) uint8 elements of an attribute stream, before any filter."""
    if not data or data[0] not in (0xA0, 0xA1):
        raise _damaged("an attribute stream does not begin with 0xA0 or 0xA1")
    version = data[0] & 1
    tail = stride + (stride // 4 if version else 0)
    end = len(data) - max(tail, 24 if version else 32)
    if end < 1:
        raise _damaged("an attribute stream is cut short")
    baseline = np.frombuffer(data, np.uint8, stride, len(data) - tail)
    channels = np.frombuffer(data, np.uint8, tail - stride, len(data) - tail + stride)
    if version == 0:
        channels = np.zeros(stride // 4, np.uint8)
    block = min((8192 // stride) & ~15, 256)
    full, rest = divmod(count, block)
    sizes = [block] * full + ([rest] if rest else [])
    places, widths = _walk(data, end, sizes, stride, version)
    groups = _unpack(np.frombuffer(data, np.uint8), places, widths)
    deltas = np.empty((count, stride), np.uint8)
    cut = full * (block // GROUP) * stride
    if full:
        whole = groups[:cut].reshape(full, stride, block).transpose(0, 2, 1)
        deltas[: full * block] = whole.reshape(full * block, stride)
    if rest:
        deltas[full * block :] = groups[cut:].reshape(stride, -1).T[:rest]
    return _integrate(deltas, baseline, channels)


def _walk(
    data: bytes, end: int, sizes: list[int], stride: int, version: int
) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Return where each group's deltas begin and how many bits each has; order: block, byte, group."""
    lengths = _group_lengths(data)
    total = sum(-(-size // GROUP) for size in sizes) * stride
    places, widths = np.zeros(total, np.int64), np.zeros(total, np.uint8)
    at, slot = 1, 0
    for size in sizes:
        groups = -(-size // GROUP)
        controls = data[at : at + stride // 4] if version else b""
        at += len(controls)
        header = -(-groups // 4)
        for byte in range(stride):
            control = (controls[byte // 4] >> 2 * (byte % 4)) & 3 if version else 4
            if control == 2:
                slot += groups
                continue
            if control == 3:
                places[slot : slot + groups] = at + GROUP * np.arange(groups)
                widths[slot : slot + groups] = 8
                at, slot = at + size, slot + groups  # not padded to whole groups
                if at > end:
                    raise _damaged("an attribute stream is cut short")
                continue
            table = WIDTHS_V0 if control == 4 else WIDTHS_V1[control]
            heads = data[at : at + header]
            at += header
            if at > end:
                raise _damaged("an attribute stream is cut short")
            if table[0] == 0 and not any(heads):
                slot += groups
                continue
            for group in range(groups):
                width = table[(heads[group >> 2] >> 2 * (group & 3)) & 3]
                if width:
                    places[slot], widths[slot] = at, width
                    at += lengths[width][at] if at < end else GROUP
                slot += 1
        if at > end:
            raise _damaged("an attribute stream is cut short")
    if at != end:
        raise _damaged(f"an attribute stream has {end - at} bytes too many")
    return places, widths


def _group_lengths(data: bytes) -> dict[int, bytes]:
    """Return, for each width in bits, the length of the group that would begin at each byte."""
    stream = np.frombuffer(data, np.uint8)
    result = {8: bytes([GROUP]) * len(data)}
    for width in (1, 2, 4):
        full = (1 << width) - 1
        escapes = np.zeros(len(stream), np.int64)
        for shift in range(0, 8, width):
            escapes += (stream >> shift) & full == full
        sums = np.concatenate([[0], np.cumsum(escapes)])
        last = np.minimum(np.arange(len(stream)) + 2 * width, len(stream))
        result[width] = (2 * width + sums[last] - sums[:-1]).astype(np.uint8).tobytes()
    return result


def _unpack(
    stream: NDArray[np.uint8], places: NDArray[np.int64], widths: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Return the (G, 16) deltas of all groups, still zigzag."""
    result = np.zeros((len(places), GROUP), np.uint8)
    for width in (1, 2, 4, 8):
        rows = np.flatnonzero(widths == width)
        if not len(rows):
            continue
        begin = places[rows, None]
        packed = stream[begin + np.arange(2 * width)]
        if width == 8:
            result[rows] = packed
            continue
        # One-bit deltas stand from the least significant bit, the others from the most significant one.
        shifts = np.arange(8) if width == 1 else np.arange(8 - width, -1, -width)
        full = (1 << width) - 1
        values = ((packed[:, :, None] >> shifts) & full).reshape(len(rows), GROUP).astype(np.uint8)
        escaped = values == full
        rank = np.cumsum(escaped, axis=1) - 1
        values[escaped] = stream[(begin + 2 * width + rank)[escaped]]
        result[rows] = values
    return result


def _integrate(
    deltas: NDArray[np.uint8], baseline: NDArray[np.uint8], channels: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Sum the deltas up from the baseline, four bytes (a channel) at a time."""
    result = np.empty_like(deltas)
    for index, channel in enumerate(channels):
        mode, turn = int(channel) & 15, int(channel) >> 4
        if mode > 2 or (mode < 2 and turn):
            raise _damaged(f"the channel mode {int(channel)} is not known")
        part = slice(4 * index, 4 * index + 4)
        kind = (np.dtype("u1"), np.dtype("<u2"), np.dtype("<u4"))[mode]
        codes = np.ascontiguousarray(deltas[:, part]).view(kind)
        start = baseline[part].copy().view(kind)
        if mode == 2:
            turned = (codes >> np.uint32(turn)) | (codes << np.uint32(-turn & 31)) if turn else codes
            values = np.bitwise_xor.accumulate(turned, axis=0) ^ start
        else:
            steps = (codes >> 1) ^ (0 - (codes & 1)).astype(kind)
            values = np.cumsum(steps, axis=0, dtype=kind) + start
        result[:, part] = np.ascontiguousarray(values.astype(kind)).view(np.uint8)
    return result


def _damaged(why: str) -> InputError:
    return InputError(f"The file's meshopt data is damaged: {why}.")
