"""Selection of the lake's interactions for training."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from alsolike.configuration.configuration import Configuration
from alsolike.events.action_events import action_events
from alsolike.events.interactions import USER_PREFIX
from alsolike.events.logins import owners
from alsolike.events.returns import net_weights
from alsolike.lake.duplicates import deduplicate
from alsolike.privacy.tombstones import IsErased, no_erased_users
from alsolike.training.dataset import ACTION_INTERACTION_COLUMNS, FEATURE_COLUMNS, INTERACTION_COLUMNS
from functions.build_dataset.dataset_rules import ACTION, ORDER, canonical_types, minimums, names_erased


@dataclasses.dataclass(frozen=True, slots=True)
class CleanInteractions:
    """Selected interactions, sorted by time and event ID, and the number of dropped rows by reason.

    `actions` are the users' interactions with actions, sorted by time.
    """

    frame: pd.DataFrame
    dropped: Mapping[str, int]
    actions: pd.DataFrame

    @property
    def repeats(self) -> int:
        """Number of interactions whose user had interacted with the same item before."""
        return int(self.frame.duplicated(["profile_id", "item_id"]).sum())


def clean(rows: pd.DataFrame, configuration: Configuration, *, erased: IsErased = no_erased_users) -> CleanInteractions:
    """Keep distinct events with an item and a weight.

    Drop erased users, returns and returned purchases, rare items and short histories.

    `rows` are in any order, and include duplicates. In the result, every item and user has at least the configured
    number of interactions. `erased` is needed, because the lake contains an erased user's rows until the purge.
    """
    distinct = deduplicate(rows)
    # A login assigns the session to its user even if the login's own row is dropped.
    distinct = distinct.assign(profile_id=owners(distinct))
    unerased = _where(distinct, ~distinct["profile_id"].isin(erased_profiles(distinct["profile_id"], erased)))
    with_item = _where(unerased, unerased["item_id"].notna())
    types = canonical_types(with_item["event_type"].dropna().unique(), configuration)
    weight = (
        with_item["event_type"].map({name: event_type.weight for name, event_type in types.items()}).astype("float32")
    )
    known = _where(with_item.assign(weight=weight), weight.notna())
    if renamed := {name: event_type.name for name, event_type in types.items() if name != event_type.name}:
        known["event_type"] = known["event_type"].replace(renamed)
    weighted = _where(known, known["weight"] != 0)
    counted = _without_returns(weighted)
    kept, few = _minimums(counted, configuration)
    columns = [*INTERACTION_COLUMNS, *(name for name in FEATURE_COLUMNS if name in rows)]
    frame = _where(counted, kept)
    return CleanInteractions(
        frame=frame.iloc[_order(frame)][columns].reset_index(drop=True),
        dropped={
            "duplicate_event": len(rows) - len(distinct),
            "erased_user": len(distinct) - len(unerased),
            "no_item": len(unerased) - len(with_item),
            "unknown_event_type": len(with_item) - len(known),
            "no_weight": len(known) - len(weighted),
            "taken_back": len(weighted) - len(counted),
            **few,
        },
        actions=_actions(unerased),
    )


def _where(rows: pd.DataFrame, mask: pd.Series[bool] | npt.NDArray[np.bool_]) -> pd.DataFrame:
    """Return the rows for which the mask is true. If it is true for all rows, do not copy, which would be slow."""
    return rows if mask.all() else rows[mask]


def _actions(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the action events of users; empty without the column `ACTION`.

    An interaction may contain several action events.
    """
    rows = rows if ACTION in rows else rows.assign(**{ACTION: None})
    own = rows[rows[ACTION].notna() & rows["profile_id"].str.startswith(USER_PREFIX)]
    columns = (own[name] for name in ("profile_id", "event_type", "event_time_ms", ACTION))
    events = [
        (event.event_time_ms, profile, event.action_id, event.event_type)
        for profile, event_type, time_ms, properties in zip(*columns, strict=True)
        for event in action_events(int(time_ms), event_type, properties)
    ]
    frame = pd.DataFrame(sorted(events), columns=["event_time_ms", "profile_id", "action_id", "event_type"])
    return frame[list(ACTION_INTERACTION_COLUMNS)]


def erased_profiles(profiles: pd.Series[str], erased: IsErased) -> list[str]:
    return [profile for profile in profiles.unique() if names_erased(profile, erased)]


def _without_returns(weighted: pd.DataFrame) -> pd.DataFrame:
    """Subtract returns from earlier purchases. Return the rows with remaining weight."""
    if not (weighted["weight"] < 0).any():
        return weighted
    ordered = weighted.iloc[_order(weighted)]
    items, users = (pd.factorize(ordered[name])[0].astype(np.int64) for name in ("item_id", "profile_id"))
    remaining = net_weights(users * (items.max() + 1) + items, ordered["weight"].to_numpy())
    return ordered.assign(weight=remaining.astype(np.float32))[remaining > 0]


def _minimums(counted: pd.DataFrame, configuration: Configuration) -> tuple[npt.NDArray[np.bool_], dict[str, int]]:
    """Apply the minimums repeatedly until all hold. Return the mask of kept rows, and dropped rows by reason."""
    kept = np.ones(len(counted), np.bool_)
    codes = {minimum.column: pd.factorize(counted[minimum.column])[0] for minimum in minimums(configuration)}
    dropped = dict.fromkeys((minimum.reason for minimum in minimums(configuration)), 0)
    while True:
        before = int(kept.sum())
        for minimum in minimums(configuration):
            codes_by_row = codes[minimum.column]
            counts = np.bincount(codes_by_row[kept], minlength=1)
            few = kept & (counts[np.minimum(codes_by_row, len(counts) - 1)] < minimum.count)
            dropped[minimum.reason] += int(few.sum())
            kept &= ~few
        if int(kept.sum()) == before:
            return kept, dropped


def _order(frame: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Return the order of the rows by `ORDER`. Arrow sorts strings many times faster than pandas."""
    table = pa.table({name: pa.array(frame[name], from_pandas=True) for name in ORDER})
    order = pc.sort_indices(table, sort_keys=[(name, "ascending") for name in ORDER])
    positions: npt.NDArray[np.int64] = order.to_numpy()
    return positions
