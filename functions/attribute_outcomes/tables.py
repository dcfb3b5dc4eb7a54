"""The written tables, with their column types in Arrow."""

from __future__ import annotations

import pyarrow as pa

from alsolike.declarations.tables import ENGAGEMENT_COLUMNS, OUTCOMES_COLUMNS
from alsolike.lake.arrow import arrow_schema

OUTCOMES = arrow_schema(pa, OUTCOMES_COLUMNS)
ENGAGEMENT = arrow_schema(pa, ENGAGEMENT_COLUMNS)
