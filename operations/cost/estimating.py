"""The bill of a deployment under a load."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from operations.cost.bill import Bill, Load, Meter
from operations.cost.charges import (
    api,
    buckets,
    functions,
    idle_charges,
    observability_charges,
    static_lists,
    stream,
    tables,
    trainings,
)
from operations.cost.protection import protection_charges
from operations.cost.replica import replica_charges
from operations.cost.summary import BilledResources
from operations.cost.traffic import DURATIONS, Duration, traffic
from operations.prices import Prices


def estimate(
    summary: BilledResources,
    load: Load,
    *,
    prices: Prices | None = None,
    durations: Mapping[str, Duration] = DURATIONS,
) -> Bill:
    """Return the monthly bill of the deployment under the load.

    Parameters
    ----------
    durations
        Duration of a call by function name. Measured durations may replace entries of `DURATIONS`.
    """
    table = prices or Prices()
    meter = _metered(summary, load, table, durations)
    nothing = Load(users=0, events_per_day=0, requests_per_day=0, items=0, item_changes_per_day=0)
    idle = sum(line.dollars for line in _metered(summary, nothing, table, durations).lines)
    return meter.bill(f"Alsolike {summary.environment}", load, idle_dollars=idle)


def _metered(summary: BilledResources, load: Load, prices: Prices, durations: Mapping[str, Duration]) -> Meter:
    meter = Meter(prices)
    reads_kafka = "read_kafka" in summary.functions
    if not reads_kafka or load.kafka_percent is None:
        load = dataclasses.replace(load, kafka_percent=100 if reads_kafka else 0)
    calls = traffic(summary, load, durations=durations)
    idle_charges(meter, summary, load)
    api(meter, summary, load)
    static_lists(meter, summary, load)
    functions(meter, summary, calls)
    stream(meter, summary, load)
    tables(meter, summary, load)
    buckets(meter, summary, load, calls)
    trainings(meter, summary, load)
    observability_charges(meter, summary, load, calls)
    protection_charges(meter, summary, load, calls)
    replica_charges(meter, summary, load)
    _remarks(meter, summary, set(calls))
    return meter


def _remarks(meter: Meter, summary: BilledResources, priced: set[str]) -> None:
    if summary.region != Prices().region:
        meter.remark(f"the deployment is in {summary.region}; prices are those of {Prices().region}")
    others = {name: called for name, called in summary.functions.items() if name not in {*priced, "build_dataset"}}
    unknown = sorted(name for name, called in others.items() if called.sources or called.runs)
    if rare := sorted(others.keys() - unknown):  # Functions that only users or other uncounted functions call.
        meter.remark(f"not counted, because the load does not determine them: calls of {', '.join(rare)}")
    meter.remark("not counted: metrics that are sent when something goes wrong (`alsolike metrics` names them)")
    if "read_kafka" in summary.functions:
        meter.remark("not counted: the Kafka cluster, and the network between it and Lambda")
    if summary.pages:
        meter.remark("not counted: visits of the pages, which CloudFront charges by requests and bytes")
    if unknown:
        meter.remark(f"not counted: the functions {', '.join(unknown)}, whose durations are unknown")
    if summary.uncounted:
        meter.remark(f"not counted: resources of type {', '.join(summary.uncounted)}")
    if not summary.training.runs:
        meter.remark("not counted: trainings, because no schedule starts them")
