"""JSON Schema of the stream record's current version, written by `make docs WHAT=api`. Older versions never change."""

from __future__ import annotations

import json
from pathlib import Path

from alsolike.records.interaction import SCHEMA_VERSION, record_schema

if __name__ == "__main__":
    page = Path(__file__).parents[1] / f"stream-record.v{SCHEMA_VERSION}.schema.json"
    page.write_text(json.dumps(record_schema(), indent=2) + "\n")
