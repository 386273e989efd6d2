"""Makes the picture at the top of README from a packaged sample: scan, fit and twin side by side.

python tools/readme_picture.py [SAMPLE]
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

from bodyscan.capture import read_scan
from bodyscan.consent import Purpose, Use, require_consent
from bodyscan.mark import LabelOptions, mark_under
from bodyscan.mark.save import save_marked
from bodyscan.pipeline import SOFTWARE, scan_to_twin
from bodyscan.render import PictureOptions, overview_sheet, report_pictures
from bodyscan.run.keys import controller_key

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "images" / "scan_fit_twin.png"


def main(name: str = "woman.obj") -> None:
    """Run the main job on a sample and write the picture with its label."""
    scan = ROOT / "sample_scans" / name
    consent = scan.with_name(f"{scan.stem}.consent.json").read_text(encoding="utf-8")
    use, now = Use(Purpose.MAKE_TWIN), datetime.now(UTC)
    require_consent(consent, use=use, now=now)
    key = controller_key(consent, scan.parent, None, None, now)
    result = scan_to_twin(read_scan(scan), consent=consent, controller_key=key, use=use, now=now)
    mark = mark_under(result.twin.consent, str(use.purpose), SOFTWARE)
    pictures = report_pictures(result.scan, result.fit, result.twin, mark, PictureOptions(height=900))
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    # The captions stand at the bottom.
    save_marked(overview_sheet(pictures), TARGET, mark, label=LabelOptions(corner="top-left"))
    print(TARGET)


if __name__ == "__main__":
    main(*sys.argv[1:])
