"""Served response, a row of the recommendation log in the lake's table `served`.

Add new columns only at the end, with null as the default.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import orjson

from alsolike.declarations.limits import MAX_ID_CHARACTERS
from alsolike.declarations.tables import SERVED_PARTITION, SERVED_TABLE, once_sql
from alsolike.records import columns
from alsolike.records.columns import AnyNumber, Int, Milliseconds, Numbers, RealNumber, Text, Texts, column, record

LINE_KEY = "served"
"""Key that identifies a log line with a response: `{"served": {...}}`."""

RANKED, PAIRED, FILLED, PINNED, EXPLORED, PROMOTED = "ranked", "paired", "filled", "pinned", "explored", "promoted:"
"""Origins of items. The name of the promotion follows `PROMOTED`. Paired items are neighbours in random order."""

MAX_TOOK_MS = 900_000
"""Maximum duration of a Lambda function."""

MAX_REQUEST_CHARACTERS = 16_000
REQUEST_OMITTED = '{"omitted":true}'
"""Value of `request` if the parameters exceed `MAX_REQUEST_CHARACTERS`."""
NO_CATALOGUE = "none"

_MAX_ITEMS = 1_000
_MAX_INT = 2**31 - 1
_NAME, _ITEM_ID = Text(1_000), Text(MAX_ID_CHARACTERS)


@record
class ServedResponse:
    recommendation_id: str = column(_NAME, "ID of the response. Identifies duplicates.", required=True)
    served_ms: int = column(Milliseconds(), "Time of the response in milliseconds since 1970 UTC.", required=True)
    recommender: str = column(_NAME, "The requested recommender, also if an arm replaced it.", required=True)
    model_version: str = column(_NAME, "Version of the model, `none` without a model.", required=True)
    arms: tuple[str, ...] = column(Texts(_NAME, 0, _MAX_ITEMS), "`experiment/arm` of each experiment.", required=True)
    shopper: str | None = column(
        _NAME,
        "[Keyed hash](privacy.md#key) of the user; null without a user. `unknown` if the key was unavailable. "
        "An ID that may be a user's or a session's is in both columns, unless the hashes are equal.",
    )
    session: str | None = column(_NAME, "Keyed hash of the session; null without a session.")
    source: str = column(_NAME, "Source of the items, as in `x-alsolike-source`.", required=True)
    degraded: tuple[str, ...] = column(Texts(_NAME, 0, _MAX_ITEMS), "Reasons for degradation.", required=True)
    configuration: int = column(Int(0, _MAX_INT), "Version of the configuration.", required=True)
    rules: str | None = column(_NAME, "Name of the applied rule set, or null.")
    filter: str | None = column(_NAME, "Name of the applied filter, or null.")
    page_item: str | None = column(_ITEM_ID, "The item in the request, or null.")
    asked: int = column(Int(0, _MAX_INT), "Requested number of items.", required=True)
    item_ids: tuple[str, ...] = column(
        Texts(_ITEM_ID, 0, _MAX_ITEMS), "The recommended items by position.", required=True
    )
    origins: tuple[str, ...] = column(
        Texts(_NAME, 0, _MAX_ITEMS),
        "Origin by position: `ranked`, `paired` (ranked, in random order with a neighbour), `filled` (popular), "
        "`promoted:<name>`, `pinned` or `explored`.",
        required=True,
    )
    propensities: tuple[float | None, ...] = column(
        Numbers(above=0, maximum=1),
        "Probability by position of this item given the previous items; null without randomness.",
        required=True,
    )
    took_ms: float | None = column(
        RealNumber(0, MAX_TOOK_MS), "Duration in the function in milliseconds; null in old rows.", default=None
    )
    top_score: float | None = column(
        AnyNumber(),
        "Highest score of a `ranked` or `paired` item; null without such an item and in old rows.",
        default=None,
    )
    correlation_id: str | None = column(
        _NAME, "ID of the [request](observability.md#correlation-id); null in old rows.", default=None
    )
    scores: tuple[float | None, ...] | None = column(
        Numbers(),
        "Score of the model by position, before [fatigue](fatigue.md), [reranking](reranking.md) and rules; null for "
        "items that the model did not rank, other recommenders and old rows.",
        default=None,
    )
    device: str | None = column(
        _NAME,
        "`DEVICE` of the request's `context` in lower case; null if absent or above 40 characters, and in old rows.",
        default=None,
    )
    agent: str | None = column(
        _NAME,
        "Program that sent the request, from the header [x-alsolike-agent](agents.md#declare-agents); null for people "
        "and in old rows. Attribution, canaries and training skip such responses.",
        default=None,
    )
    catalogue: str | None = column(
        _NAME, "Version of the catalogue's snapshot, `none` before the first; null in old rows.", default=None
    )
    history: str | None = column(
        _NAME, "Hash of the interactions that the response used; null without interactions.", default=None
    )
    trends: str | None = column(
        _NAME, "Hash of the trend counters; null for responses that cannot contain trending items.", default=None
    )
    impressions: str | None = column(
        _NAME, "Hash of the lists that [fatigue](fatigue.md) counted; null without such lists.", default=None
    )
    request: str | None = column(
        Text(MAX_REQUEST_CHARACTERS),
        "Parameters of the request without a column of their own, as JSON; null without such parameters.",
        default=None,
    )

    def to_line(self, **used: Iterable[str] | None) -> str:
        """Return the log line without a line break.

        Logs are charged by size, so the line omits nulls, origins if all are `ranked`, and propensities if all are
        null.

        Parameters
        ----------
        used
            Parts of each state that the response used, by column, such as the event IDs for `history`. The line
            contains the `state_hash` of the parts.
        """
        values = {name: value for name in SERVED_COLUMNS if (value := getattr(self, name)) is not None}
        if all(origin == RANKED for origin in self.origins):
            del values["origins"]
        if all(propensity is None for propensity in self.propensities):
            del values["propensities"]
        values |= {name: state_hash(parts) for name, parts in used.items() if parts is not None}
        return orjson.dumps({LINE_KEY: values}).decode()


def state_hash(parts: Iterable[str]) -> str:
    """Return the hash that references a state in the log, such as the event IDs of a history.

    A replay rebuilds possible states from the lake, and selects the state with this hash.
    """
    return hashlib.blake2b("\n".join(parts).encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


SERVED_COLUMNS = columns.glue_columns(ServedResponse)

FIELDS = columns.record_fields(ServedResponse, 1)

SERVED_ONCE_SQL = once_sql(
    SERVED_TABLE, (*SERVED_COLUMNS, SERVED_PARTITION), key=["recommendation_id"], order=["served_ms"]
)
"""SQL query that returns the table without duplicate rows, which are equal."""
