"""From rows of the lake to the interactions that a model may learn from."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from alsolike import identity, lake
from alsolike.configuration import Configuration
from alsolike.dataset import INTERACTION_COLUMNS
from alsolike.errors import UnknownEventType
from alsolike.returns import remaining
from alsolike.tombstones import Erased, nobody

LAKE_COLUMNS = (
    "event_id", "user_id", "session_id", "item_id", "event_type", "event_time_ms", "received_time_ms",
)  # fmt: skip
"""Columns of the lake that are read."""

_USER = "u#"


@dataclasses.dataclass(frozen=True, slots=True)
class CleanInteractions:
    """Interactions that are in, and how many are out.

    Attributes
    ----------
    frame
        `INTERACTION_COLUMNS`, sorted by time, then event id.
    dropped
        Rows left out, by reason.
    """

    frame: pd.DataFrame
    dropped: Mapping[str, int]

    @property
    def repeat_share(self) -> float:
        """Share of interactions whose user had interacted with the same item before."""
        return float(self.frame.duplicated(["profile_id", "item_id"]).mean()) if len(self.frame) else 0.0


def clean(rows: pd.DataFrame, configuration: Configuration, *, erased: Erased = nobody) -> CleanInteractions:
    """Count each event once, keep event types with a weight, and leave out what was taken back, rare items and short
    histories.

    Parameters
    ----------
    rows
        `LAKE_COLUMNS` of the lake, in any order, repeated events included.
    configuration
        Says what an event type weighs, and how many interactions an item and a user have at least, also after the
        others are left out.
    erased
        Says of a user id whether the user was erased: the lake may hold the user until the purge comes to it.
    """
    every = lake.deduplicate(rows)
    every = every.assign(profile_id=identity.owners(every))  # a login counts also where its own row is left out
    once = every[~every["profile_id"].isin(erased_profiles(every["profile_id"], erased))]
    about = once[once["item_id"].notna()]
    weight = about["event_type"].map(_weights(about["event_type"], configuration)).astype("float32")
    known = about[weight.notna()].assign(weight=weight)
    weighty = known[known["weight"] != 0]
    counted = _without_returns(weighty)
    kept, rare, short = _minimums(
        pd.factorize(counted["item_id"])[0],
        pd.factorize(counted["profile_id"])[0],
        minimum_item=configuration.limits.minimum_item_interactions,
        minimum_user=configuration.limits.minimum_user_interactions,
    )
    frame = counted[kept]
    return CleanInteractions(
        frame=frame.iloc[_order(frame)][list(INTERACTION_COLUMNS)].reset_index(drop=True),
        dropped={
            "duplicate_event": len(rows) - len(every),
            "erased_user": len(every) - len(once),
            "no_item": len(once) - len(about),
            "unknown_event_type": len(about) - len(known),
            "no_weight": len(known) - len(weighty),
            "taken_back": len(weighty) - len(counted),
            "rare_item": rare,
            "short_history": short,
        },
    )


def erased_profiles(profiles: pd.Series[str], erased: Erased) -> list[str]:
    """Return those of the profiles that are erased users'."""
    return [each for each in profiles.unique() if each.startswith(_USER) and erased(each.removeprefix(_USER))]


def _weights(event_types: pd.Series[str], configuration: Configuration) -> dict[str, float]:
    """Return the weight of each known spelling in use."""
    weights = {}
    for name in event_types.dropna().unique():
        try:
            weights[name] = configuration.events[configuration.canonical_event_type(name)].weight
        except UnknownEventType:
            continue
    return weights


def _without_returns(weighty: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that returns left something of, with what that weighs."""
    if not (weighty["weight"] < 0).any():
        return weighty
    ordered = weighty.iloc[_order(weighty)]
    items, users = (pd.factorize(ordered[name])[0].astype(np.int64) for name in ("item_id", "profile_id"))
    left = remaining(users * (items.max() + 1) + items, ordered["weight"].to_numpy())
    return ordered.assign(weight=left.astype(np.float32))[left > 0]


def _minimums(
    items: npt.NDArray[np.int64], users: npt.NDArray[np.int64], *, minimum_item: int, minimum_user: int
) -> tuple[npt.NDArray[np.bool_], int, int]:
    """Drop rare items, then short histories, until both minimums hold; return what is kept and both counts."""
    kept = np.ones(len(items), np.bool_)
    dropped = [0, 0]
    while True:
        before = int(kept.sum())
        for reason, (codes, minimum) in enumerate(((items, minimum_item), (users, minimum_user))):
            counts = np.bincount(codes[kept], minlength=1)
            few = kept & (counts[np.minimum(codes, len(counts) - 1)] < minimum)
            dropped[reason] += int(few.sum())
            kept &= ~few
        if int(kept.sum()) == before:
            return kept, dropped[0], dropped[1]


def _order(frame: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Return the rows' order by time, then event id; Arrow sorts strings many times faster than pandas."""
    table = pa.table({name: pa.array(frame[name], from_pandas=True) for name in ("event_time_ms", "event_id")})
    order = pc.sort_indices(table, sort_keys=[("event_time_ms", "ascending"), ("event_id", "ascending")])
    positions: npt.NDArray[np.int64] = order.to_numpy()
    return positions
