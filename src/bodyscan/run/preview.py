"""One small picture of a finished twin, for lists."""

from __future__ import annotations

from bodyscan.consent import ConsentRecord
from bodyscan.mark import LabelOptions, MarkInfo, encode_marked
from bodyscan.render import TwinPictureOptions, render_twin
from bodyscan.types import Twin

PREVIEW = TwinPictureOptions(view="three-quarter", width=480, height=640)


def preview_png(twin: Twin, record: ConsentRecord, mark: MarkInfo) -> bytes:
    """Return a PNG of the twin with the record's label, the watermark and the metadata of every picture.

    Consent is the caller's to check. Raises `InputError` where the twin cannot be drawn.
    """
    picture = render_twin(
        twin.rig, morphs=twin.morphs, textures=twin.textures, landmarks=twin.landmarks, options=PREVIEW
    )
    label = LabelOptions(text=record.disclosure.label)
    return encode_marked(picture.image, mark, label=label, avoid=picture.keep_clear)
