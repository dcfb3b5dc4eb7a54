"""OpenMetrics text, parsed by Prometheus' own client."""

import dataclasses
import math

from hypothesis import given
from hypothesis import strategies as st

from operations.prometheus.families import Family, Kind
from operations.prometheus.openmetrics import Sample, exposition, histogram
from tests.builders.openmetrics import read_families

NAMES = st.from_regex(r"[a-z][a-z0-9]{0,8}(_[a-z][a-z0-9]{0,8}){0,2}_x", fullmatch=True)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=20)
ABOUTS = TEXTS.filter(lambda text: not text.startswith(" "))
"""Help texts. Readers skip all spaces between the name and the text."""
VALUES = st.floats(allow_nan=False) | st.integers(-(2**53), 2**53)


@given(name=NAMES, about=ABOUTS, samples=st.dictionaries(TEXTS, VALUES, min_size=1, max_size=5))
def test_gauges_are_unchanged_after_write_and_read(name: str, about: str, samples: dict[str, float]) -> None:
    family = Family(name=name, kind=Kind.GAUGE, about=about)

    text = exposition([(family, [Sample(value, {"label": label}) for label, value in samples.items()])])

    (read,) = read_families(text.decode()).values()
    assert (read.name, read.type, read.documentation) == (name, "gauge", about)
    assert {sample.labels["label"]: sample.value for sample in read.samples} == samples


@given(counts=st.lists(st.integers(0, 10**9), min_size=3, max_size=3), total=st.floats(0, 1e12))
def test_histograms_are_valid(counts: list[int], total: float) -> None:
    family = Family(name="wait_seconds", kind=Kind.HISTOGRAM, about="Wait.", unit="seconds")
    cumulative = [sum(counts[:1]), sum(counts[:2])]

    text = exposition([(family, histogram([0.1, 2.5], cumulative, count=sum(counts), total=total))])

    (read,) = read_families(text.decode()).values()
    assert (read.type, read.unit) == ("histogram", "seconds")
    assert [sample.value for sample in read.samples] == [*cumulative, sum(counts), sum(counts), total]


def test_family_without_samples_is_omitted() -> None:
    family = Family(name="lag_seconds", kind=Kind.GAUGE, about="Lag.", unit="seconds")

    assert exposition([(family, [])]) == b"# EOF\n"
    assert exposition([(family, [Sample(math.nan)]), (dataclasses.replace(family, name="x", unit=""), [])]) == (
        b"# TYPE lag_seconds gauge\n# UNIT lag_seconds seconds\n# HELP lag_seconds Lag.\nlag_seconds NaN\n# EOF\n"
    )
