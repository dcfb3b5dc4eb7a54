"""Durations of calls of functions, for bills without measurements.

A figure starts from the processor time that a command of this repository measured on x86_64 (`seen` names the page).
It is scaled to the share of a processor that the function's memory provides (1,769 MB provide one). An assumed wait
for AWS is added: 5 ms for DynamoDB, 15 ms for Kinesis, 40 ms for a PUT on S3. Cold starts and retries are excluded,
and Graviton's time was not measured. `seen` marks assumed figures.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Duration:
    """A call's billed time: a constant part, and a part per record (or answer, or event).

    Attributes
    ----------
    seen
        Its source.
    log_bytes
        Bytes per call in its log: its metrics, the lines that Lambda adds, and 26 bytes per line that CloudWatch
        charges too.
    """

    call_ms: float
    record_ms: float = 0.0
    seen: str = ""
    log_bytes: float = 800.0

    def ms(self, records: float) -> float:
        """Return the duration of a call with that many records, in milliseconds."""
        return self.call_ms + self.record_ms * records


_PERFORMANCE, _ATTRIBUTION = "docs/performance.md", "docs/attribution.md"
_ASSUMED = "assumed"

DURATIONS: Mapping[str, Duration] = {
    "collect": Duration(call_ms=16.2, record_ms=0.1, seen=f"{_PERFORMANCE}: 0.69 ms at 1,024 MB, 15 ms for Kinesis"),
    "recommend": Duration(call_ms=7.4, seen=f"{_PERFORMANCE}: 2.4 ms, 5 ms for DynamoDB", log_bytes=2_100.0),
    "authorize_session": Duration(call_ms=3.0, seen=_ASSUMED),
    "update_profiles": Duration(
        call_ms=5.0, record_ms=2.0, seen=f"{_PERFORMANCE}: 0.37 ms a record at 512 MB, eight at a time wait 5 ms"
    ),
    "archive_events": Duration(
        call_ms=60.0, record_ms=0.02, seen=f"{_PERFORMANCE}: 70,300 records a second, 40 ms for S3"
    ),
    "count_trends": Duration(
        call_ms=100.0, record_ms=0.1, seen="docs/adr/0051: about 0.1 s; docs/trending.md: 0.026 ms a record at 512 MB"
    ),
    "archive_served": Duration(call_ms=70.0, record_ms=0.1, seen=f"{_ASSUMED}; 40 ms of it for S3"),
    "publish_catalog": Duration(call_ms=800.0, record_ms=0.2, seen=f"{_ASSUMED}; docs/catalogue.md: merges by size"),
    "compact_lake": Duration(call_ms=5_000.0, record_ms=0.02, seen=f"{_ASSUMED}; a day's events read and written once"),
    "attribute_outcomes": Duration(
        call_ms=2_000.0, record_ms=0.031, seen=f"{_ATTRIBUTION}: 31 s a million answers, with two events each"
    ),
    "monitor_models": Duration(call_ms=10_000.0, record_ms=0.002, seen=f"{_ASSUMED}; it reads a sample of a week"),
    "build_dataset": Duration(call_ms=5_000.0, record_ms=0.005, seen="docs/scale.md: 5 s a million events"),
    "start_training": Duration(call_ms=1_000.0, seen=_ASSUMED),
    "register_model": Duration(call_ms=60_000.0, seen=f"{_ASSUMED}; two bundles are unpacked, run and timed"),
    "run_canary": Duration(call_ms=2_000.0, record_ms=0.004, seen=f"{_ASSUMED}; each look reads a trial's answers"),
}
