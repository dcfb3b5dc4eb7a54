"""Null and range checks of the window's columns, with the maximum shares of faulty rows."""

from __future__ import annotations

import pandas as pd

from alsolike.configuration.configuration import Configuration
from alsolike.declarations.limits import MAX_EVENT_VALUE
from alsolike.training.monitoring import DataCheck

BOUNDS = {
    "item_missing": 0.0,
    "event_type_unknown": 0.01,
    "value_missing": 0.1,
    "value_out_of_range": 0.0,
    "time_in_future": 0.0,
}
"""Maximum shares of faulty rows.

================== ============================================ ======================================================
check              checked rows                                 fault
================== ============================================ ======================================================
item_missing       events whose type requires an item           no item. The API rejects such events
event_type_unknown all events                                   undeclared event type. Models ignore such events
value_missing      purchases since the first one with a value   no value. Earlier, the shop sent no values
                   in the window
value_out_of_range events with a value                          infinite, NaN, or outside the API's range
time_in_future     all events                                   later than now by more than the tolerated clock skew
================== ============================================ ======================================================
"""


def checks(events: pd.DataFrame, configuration: Configuration, *, now_ms: int) -> tuple[DataCheck, ...]:
    needs_item = [name for name, event in configuration.events.items() if event.item_required]
    with_item = events[events["type"].isin(needs_item)]
    purchases = events.loc[events["type"] == "purchase", ["event_time_ms", "event_value"]]
    first_ms = purchases.loc[purchases["event_value"].notna(), "event_time_ms"].min()
    with_values = purchases.loc[purchases["event_time_ms"] >= first_ms, "event_value"]
    values = events["event_value"].dropna()
    latest_ms = now_ms + configuration.limits.clock_skew_s * 1000
    wrong = {
        "item_missing": with_item["item_id"].isna(),
        "event_type_unknown": events["type"].isna(),
        "value_missing": with_values.isna(),
        "value_out_of_range": ~values.between(-MAX_EVENT_VALUE, MAX_EVENT_VALUE),
        "time_in_future": events["event_time_ms"] > latest_ms,
    }
    return tuple(
        DataCheck(name, float(wrong[name].mean()) if len(wrong[name]) else None, bound, len(wrong[name]))
        for name, bound in BOUNDS.items()
    )
