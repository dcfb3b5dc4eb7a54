"""Arrow schemas of the written tables."""

from __future__ import annotations

import pyarrow as pa

from alsolike.lake.arrow import arrow_schema
from alsolike.records.engagement import ENGAGEMENT_COLUMNS
from alsolike.records.outcome import OUTCOMES_COLUMNS

OUTCOMES = arrow_schema(pa, OUTCOMES_COLUMNS)
ENGAGEMENT = arrow_schema(pa, ENGAGEMENT_COLUMNS)
