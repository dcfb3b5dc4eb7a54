"""Documents of the records' declarations, written by `make docs WHAT=api`.

The JSON Schema of the stream record's current version; schemas of older versions never change. Tables of columns,
between `<!-- columns: TABLE -->` and `<!-- end -->` in the pages of the lake. The columns of platforms' files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from alsolike.declarations.tables import (
    ENGAGEMENT_TABLE,
    INTERACTIONS_PARTITION,
    INTERACTIONS_TABLE,
    OUTCOMES_TABLE,
    SERVED_PARTITION,
    SERVED_TABLE,
)
from alsolike.records.columns import Column, columns_of
from alsolike.records.engagement import Engagement
from alsolike.records.interaction import SCHEMA_VERSION, Interaction, record_schema
from alsolike.records.outcome import Outcome
from alsolike.records.served_response import ServedResponse
from operations.ingest.platforms.formats import FORMATS

DOCS = Path(__file__).parents[1]
PAGES = ("lake.md", "served.md", "attribution.md", "platform-files.md")
TABLES = {
    INTERACTIONS_TABLE: (columns_of(Interaction), INTERACTIONS_PARTITION),
    SERVED_TABLE: (columns_of(ServedResponse), SERVED_PARTITION),
    OUTCOMES_TABLE: (columns_of(Outcome), SERVED_PARTITION),
    ENGAGEMENT_TABLE: (columns_of(Engagement), SERVED_PARTITION),
}
_MARKED = re.compile(r"(<!-- columns: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def with_tables(page: str) -> str:
    """Return the page with the current columns in its marked places."""
    return _MARKED.sub(lambda found: f"{found[1]}\n{_table_named(found[2])}\n{found[3]}", page)


def _table_named(name: str) -> str:
    return _platform_table() if name == "platforms" else _table(*TABLES[name])


def _table(columns: Mapping[str, Column], partition: str) -> str:
    rows = [f"| `{name}` | {_escaped(column.type.glue)} | {_about(column)} |\n" for name, column in columns.items()]
    last = f"| `{partition}` | string | Partition, such as `2026-09-21`; part of the object's key. |\n"
    return "".join(["| column | type | content |\n|---|---|---|\n", *rows, last])


def _platform_table() -> str:
    rows = [
        f"| {platform.name} | `{column.ours}` | {', '.join(f'`{name}`' for name in column.theirs)} |\n"
        for platform in FORMATS.values()
        for column in platform.columns
    ]
    return "".join(["| format | column | first of these fields with a value |\n|---|---|---|\n", *rows])


def _about(column: Column) -> str:
    older = f" Null before version {column.since}." if column.since > 1 else ""
    return f"{column.about}{older}"


def _escaped(glue_type: str) -> str:
    return glue_type.replace("<", "&lt;").replace(">", "&gt;")


if __name__ == "__main__":
    schema = DOCS / f"stream-record.v{SCHEMA_VERSION}.schema.json"
    schema.write_text(json.dumps(record_schema(), indent=2) + "\n")
    for name in PAGES:
        path = DOCS / name
        path.write_text(with_tables(path.read_text()))
