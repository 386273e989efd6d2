"""Makes a twin's document small: one pure function over a document and its binary chunk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bodyscan.gltf.pack.arrays import drop_unused, take_apart
from bodyscan.gltf.pack.assemble import assemble
from bodyscan.gltf.pack.draco import compress_draco
from bodyscan.gltf.pack.images import pack_images
from bodyscan.gltf.pack.options import PackOptions
from bodyscan.gltf.pack.quantize import quantize, quantize_colors
from bodyscan.gltf.pack.reduce import reduce_attributes
from bodyscan.gltf.pack.reorder import reorder


def pack(document: Mapping[str, Any], binary: bytes, options: PackOptions) -> tuple[dict[str, Any], bytes]:
    """Return the document and binary chunk made small as the options say; the inputs stay as they are.

    Same input and options, same bytes. The consent record is not touched; where positions change, its exact
    binding no longer holds and a verifier judges the distance instead. What a reader does not take must be
    taken out of the options before (`options.limited`). Raises `InputError` where the document is damaged or
    cannot be packed, `MissingExtraError` without the package or program that an option needs.
    """
    if options == PackOptions(budget_bytes=options.budget_bytes):
        return dict(document), binary
    arrays = take_apart(document, binary)
    pack_images(arrays, options)
    reduce_attributes(arrays, options)
    quantize_colors(arrays, options.color_bits)
    if options.quantize:
        quantize(arrays, options)
    drop_unused(arrays)
    if options.compress == "meshopt":
        reorder(arrays)
    if options.compress == "draco":
        compress_draco(arrays, options)
    return assemble(arrays, options.compress == "meshopt")
