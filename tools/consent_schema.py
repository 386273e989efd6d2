"""Writes the published JSON Schema of the consent record anew, from the models."""

from __future__ import annotations

import json

from bodyscan.consent.record.read import SCHEMA_FILE, record_json_schema
from bodyscan.files import write_atomic

if __name__ == "__main__":
    write_atomic(
        SCHEMA_FILE, (json.dumps(record_json_schema(), indent=2, ensure_ascii=False) + "\n").encode()
    )
