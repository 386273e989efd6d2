"""Machine-readable marks: an XMP packet with the IPTC digital source type and the consent record.

XMP as in ISO 16684-1; `Iptc4xmpExt:DigitalSourceType` as in the IPTC Photo Metadata Standard, its
terms from http://cv.iptc.org/newscodes/digitalsourcetype/.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from enum import Enum
from pathlib import Path
from xml.sax.saxutils import quoteattr

from PIL import Image

from bodyscan.errors import InputError
from bodyscan.mark.info import MarkInfo

SOURCE_TYPE_SCHEME = "http://cv.iptc.org/newscodes/digitalsourcetype/"
IPTC_NS = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
XMP_NS = "http://ns.adobe.com/xap/1.0/"
CONSENT_NS = "urn:bodyscan:ns:consent/1.0/"
RDF_NS = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
PNG_XMP_KEY = "XML:com.adobe.xmp"
_FIELDS = {"record_id": "RecordId", "subject_pseudonym": "Subject", "purpose": "Purpose"}


class SourceType(Enum):
    """The IPTC terms that fit what bodyscan draws."""

    COMPOSITE_SYNTHETIC = "compositeSynthetic"
    """Captured parts joined with synthetic ones. Every picture of a twin: the person's measured surface
    on a statistical body, in poses and expressions that were never recorded. No generative model takes
    part, but of the terms this is the one that viewers and platforms show as synthetic."""
    DATA_DRIVEN_MEDIA = "dataDrivenMedia"
    """A drawing of data: charts and heat maps."""

    @property
    def uri(self) -> str:
        """The term's address, as it stands in the packet."""
        return SOURCE_TYPE_SCHEME + self.value


def xmp_packet(info: MarkInfo, source_type: SourceType = SourceType.COMPOSITE_SYNTHETIC) -> str:
    """Return the XMP packet as text: digital source type, software, consent record, subject, purpose."""
    attributes = {
        "Iptc4xmpExt:DigitalSourceType": source_type.uri,
        "xmp:CreatorTool": info.software,
        **{f"consent:{tag}": getattr(info, name) for name, tag in _FIELDS.items()},
    }
    body = "\n   ".join(f"{key}={quoteattr(value)}" for key, value in attributes.items())
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
        f' <rdf:RDF xmlns:rdf="{RDF_NS}">\n'
        f'  <rdf:Description rdf:about="" xmlns:Iptc4xmpExt="{IPTC_NS}" xmlns:xmp="{XMP_NS}"'
        f' xmlns:consent="{CONSENT_NS}"\n   {body}/>\n'
        ' </rdf:RDF>\n</x:xmpmeta>\n<?xpacket end="w"?>'
    )


def read_mark(path: str | Path) -> tuple[MarkInfo, SourceType] | None:
    """Return what a PNG or JPEG says about itself, or None where it carries no mark of ours.

    Raises `InputError` where the file is no picture or its packet is damaged.
    """
    try:
        with Image.open(path) as image:
            image.load()
            raw = image.info.get("xmp") or image.info.get(PNG_XMP_KEY)
    except OSError as error:
        raise InputError(f"{Path(path).name} cannot be read as a picture: {error}.") from error
    if raw is None:
        return None
    return parse_packet(raw.decode("utf-8", "strict") if isinstance(raw, bytes) else raw)


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
        return MarkInfo(software=software, **{k: v for k, v in found.items() if v}), SourceType(term)
    return None
