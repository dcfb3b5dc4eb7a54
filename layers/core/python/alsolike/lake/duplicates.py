"""Deduplication of rows of the lake."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alsolike.records.interaction import COPY_ORDER

if TYPE_CHECKING:
    import pandas as pd

_BELOW_IDS = "\x1f"  # Separator that sorts before all characters of IDs, so that joined strings sort like lists.


def deduplicate(rows: pd.DataFrame) -> pd.DataFrame:
    """Remove duplicates. For each event ID and owner (`COPY_KEY`), keep the first row by `COPY_ORDER`.

    Rows can be duplicates, because clients repeat events, a bisected batch is written again under other keys, and a
    compacted object exists next to its inputs for a while. The result keeps the order of `rows`.

    `rows` need event_id and the first columns of `COPY_ORDER`, at least up to session_id.
    """
    read = [name for name in COPY_ORDER if name in rows]
    if missing := [name for name in COPY_ORDER[: COPY_ORDER.index(read[-1])] if name not in read] if read else []:
        raise ValueError(f"rows of the lake have {read[-1]} without {', '.join(missing)}, which decide before it")
    rows = rows.reset_index(drop=True)
    repeated = rows[rows.duplicated("event_id", keep=False)]  # Sort only duplicates, because sorting strings is slow.
    if "impression" in repeated:
        lists = repeated["impression"].astype(object)
        repeated = repeated.assign(impression=lists.map(_BELOW_IDS.join, na_action="ignore").astype("str"))
    repeated = repeated.assign(owner=repeated["user_id"].fillna(repeated["session_id"]))
    ordered = repeated.sort_values(["event_id", *read])
    copies = ordered.index[ordered.duplicated(["event_id", "owner"])]
    return rows.drop(index=copies) if len(copies) else rows
