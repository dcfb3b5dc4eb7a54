"""List of exported metrics."""

from operations.metric_writers import METRICS
from operations.prometheus.families import FAMILIES, Kind, Origin, metrics_read


def test_exported_metric_is_written_by_its_function() -> None:
    written = {(each.metric, each.service, each.dimensions) for each in METRICS}
    read = {
        (source.metric, dict(source.dimensions)["service"], tuple(sorted(dict(source.dimensions))))
        for family in FAMILIES
        for series in family.series
        if (source := series.source) is not None and source.resource is None
    }

    assert read <= written
    assert len(read) > 10


def test_names_end_with_their_units() -> None:
    assert [family.name for family in FAMILIES if family.unit and not family.name.endswith(f"_{family.unit}")] == []
    assert [family.name for family in FAMILIES if family.name.endswith(("_total", "_count", "_sum", "_bucket"))] == []
    assert len({family.name for family in FAMILIES}) == len(FAMILIES)


def test_number_of_read_metrics_is_that_of_all_statistics() -> None:
    counters = sum(
        len(family.series) for family in FAMILIES if family.origin is Origin.CLOUDWATCH and family.kind is Kind.COUNTER
    )

    assert metrics_read(kafka=True) == counters + 1 + (6 + 2)  # The other metrics are the lag and the histogram.
    assert metrics_read(kafka=False) == metrics_read(kafka=True) - 2
