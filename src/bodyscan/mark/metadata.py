"""Machine-readable marks: an XMP packet with the IPTC digital source type, the twin and the consent record.

XMP as in ISO 16684-1, its rights schema (`xmpRights:Marked`, `xmpRights:UsageTerms`) as in ISO 16684-1,
8.5; `Iptc4xmpExt:DigitalSourceType` as in the IPTC Photo Metadata Standard, its terms from
http://cv.iptc.org/newscodes/digitalsourcetype/.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from enum import Enum
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import numpy as np
from PIL import Image, ImageOps

from bodyscan.errors import ConsentError, InputError
from bodyscan.mark.info import MarkInfo
from bodyscan.types import U8

SOURCE_TYPE_SCHEME = "http://cv.iptc.org/newscodes/digitalsourcetype/"
IPTC_NS = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
XMP_NS = "http://ns.adobe.com/xap/1.0/"
RIGHTS_NS = "http://ns.adobe.com/xap/1.0/rights/"
CONSENT_NS = "urn:bodyscan:ns:consent/1.0/"
RDF_NS = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
PNG_XMP_KEY = "XML:com.adobe.xmp"
_FIELDS = {
    "record_id": "RecordId",
    "subject_pseudonym": "Subject",
    "purpose": "Purpose",
    "twin_id": "TwinId",
}


class SourceType(Enum):
    """The IPTC terms that a record's `disclosure` may ask for, and one for drawings of data."""

    COMPOSITE_SYNTHETIC = "compositeSynthetic"
    """Captured parts joined with synthetic ones. Every picture of a twin: the person's measured surface
    on a statistical body, in poses and expressions that were never recorded. No generative model takes
    part, but of the terms this is the one that viewers and platforms show as synthetic."""
    DIGITAL_CREATION = "digitalCreation"
    """Made by a person's hand with software."""
    COMPOSITE_WITH_TRAINED = "compositeWithTrainedAlgorithmicMedia"
    """Captured parts joined with parts that a generative model made."""
    DATA_DRIVEN_MEDIA = "dataDrivenMedia"
    """A drawing of data: charts and heat maps."""

    @property
    def uri(self) -> str:
        """The term's address, as it stands in the packet."""
        return SOURCE_TYPE_SCHEME + self.value


def xmp_packet(
    info: MarkInfo, source_type: SourceType = SourceType.COMPOSITE_SYNTHETIC, watermark: str = ""
) -> str:
    """Return the XMP packet as text: digital source type, software, twin, consent record, subject, purpose.

    `watermark` says which watermark the pixels carry, or that they carry none and why; empty: it is not
    said.
    """
    attributes = {
        "Iptc4xmpExt:DigitalSourceType": source_type.uri,
        "xmp:CreatorTool": info.software,
        "xmpRights:Marked": "True",
        **{f"consent:{tag}": getattr(info, name) for name, tag in _FIELDS.items()},
        **({"consent:Watermark": watermark} if watermark else {}),
    }
    terms = f"Synthetic picture of a digital twin. Consent record {info.record_id}, purpose {info.purpose}."
    body = "\n   ".join(f"{key}={quoteattr(value)}" for key, value in attributes.items())
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
        f' <rdf:RDF xmlns:rdf="{RDF_NS}">\n'
        f'  <rdf:Description rdf:about="" xmlns:Iptc4xmpExt="{IPTC_NS}" xmlns:xmp="{XMP_NS}"'
        f' xmlns:xmpRights="{RIGHTS_NS}" xmlns:consent="{CONSENT_NS}"\n   {body}>\n'
        f'   <xmpRights:UsageTerms><rdf:Alt><rdf:li xml:lang="x-default">{escape(terms)}</rdf:li></rdf:Alt>'
        "</xmpRights:UsageTerms>\n  </rdf:Description>\n"
        ' </rdf:RDF>\n</x:xmpmeta>\n<?xpacket end="w"?>'
    )


def read_mark(path: str | Path) -> tuple[MarkInfo, SourceType] | None:
    """Return what a PNG, JPEG or WebP says about itself, or None where it carries no mark of ours.

    Raises `InputError` where the file is no picture or its packet is damaged.
    """
    packet = read_picture(path)[1]
    return None if packet is None else parse_packet(packet)


def read_picture(path: str | Path) -> tuple[U8, str | None]:
    """Return a picture's pixels (H, W, 3) uint8 sRGB, and its XMP packet or None.

    Transparent pictures stand on white, and an orientation in the EXIF data is followed. Raises
    `InputError` where the file is no picture; bytes of a packet that are not UTF-8 become U+FFFD.
    """
    try:
        with Image.open(path) as image:
            image.load()
            raw = image.info.get("xmp") or image.info.get(PNG_XMP_KEY)
            upright = ImageOps.exif_transpose(image)
            if upright.has_transparency_data:
                paper = Image.new("RGBA", upright.size, (255, 255, 255, 255))
                upright = Image.alpha_composite(paper, upright.convert("RGBA"))
            pixels = np.asarray(upright.convert("RGB"))
    except (OSError, Image.DecompressionBombError, ValueError, SyntaxError) as error:
        raise InputError(f"{Path(path).name} cannot be read as a picture: {error}.") from error
    return pixels, raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw


def parse_packet(packet: str) -> tuple[MarkInfo, SourceType] | None:
    """Read a packet written by `xmp_packet`; None where it is somebody else's."""
    if "<!" in packet:
        # A document type could define entities; XMP allows none (ISO 16684-1, 7.3.2).
        raise InputError("The picture's XMP packet holds a document type or comment; it is not read.")
    try:
        root = ET.fromstring(packet[packet.find("<x:xmpmeta") : packet.rfind("</x:xmpmeta>") + 12])
    except ET.ParseError as error:
        raise InputError(f"The picture's XMP packet is damaged: {error}.") from error
    for node in root.iter(f"{{{RDF_NS}}}Description"):
        found = {name: node.get(f"{{{CONSENT_NS}}}{tag}") for name, tag in _FIELDS.items()}
        uri = node.get(f"{{{IPTC_NS}}}DigitalSourceType") or ""
        if None in found.values() or not uri.startswith(SOURCE_TYPE_SCHEME):
            continue
        term = uri.removeprefix(SOURCE_TYPE_SCHEME)
        if term not in {member.value for member in SourceType}:
            known = ", ".join(member.value for member in SourceType)
            raise InputError(f"The picture's digital source type is {term!r}; bodyscan writes {known}.")
        software = node.get(f"{{{XMP_NS}}}CreatorTool") or ""
        try:
            info = MarkInfo(software=software, **{name: text or "" for name, text in found.items()})
        except ConsentError as error:
            raise InputError(f"The picture's XMP packet is damaged: {error}") from None
        return info, SourceType(term)
    return None
