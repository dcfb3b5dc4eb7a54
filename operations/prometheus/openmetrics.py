"""Writer of OpenMetrics text (https://prometheus.io/docs/specs/om/open_metrics_spec/)."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

from operations.prometheus.families import Family

CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"


@dataclasses.dataclass(frozen=True, slots=True)
class Sample:
    """Value of a metric family.

    `suffix` is `_total` for a counter, and `_bucket`, `_count` or `_sum` for a histogram.
    """

    value: float
    labels: Mapping[str, str] = dataclasses.field(default_factory=dict)
    suffix: str = ""


def histogram(bounds: Sequence[float], cumulative: Sequence[float], *, count: float, total: float) -> Iterator[Sample]:
    """Yield the samples of a histogram. `cumulative` are the numbers of values up to each of the ascending `bounds`."""
    for bound, value in zip(bounds, cumulative, strict=True):
        yield Sample(value, {"le": _number(float(bound))}, "_bucket")
    yield Sample(count, {"le": "+Inf"}, "_bucket")
    yield Sample(count, {}, "_count")
    yield Sample(total, {}, "_sum")


def exposition(families: Iterable[tuple[Family, Iterable[Sample]]]) -> bytes:
    lines: list[str] = []
    for family, samples in families:
        values = [f"{family.name}{sample.suffix}{_labels(sample.labels)} {_number(sample.value)}" for sample in samples]
        if not values:
            continue
        lines.append(f"# TYPE {family.name} {family.kind}")
        if family.unit:
            lines.append(f"# UNIT {family.name} {family.unit}")
        lines.append(f"# HELP {family.name} {_escape(family.about)}")
        lines += values
    return "\n".join([*lines, "# EOF\n"]).encode()


def _labels(labels: Mapping[str, str]) -> str:
    text = ",".join(f'{name}="{_escape(value)}"' for name, value in labels.items())
    return f"{{{text}}}" if text else ""


def _escape(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _number(value: float) -> str:
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if math.isnan(value):
        return "NaN"
    return str(int(value)) if isinstance(value, int) else repr(float(value))
