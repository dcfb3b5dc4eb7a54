"""The user of a session's interactions after a login during the session.

A session belongs to the user of its first login. That is its interaction with a user and the session that has the
least event time, and at equal times the least event id. Session-only interactions up to that time count as the user's;
later ones stay the session's. A later login in the same session, of any user, moves nothing.

The rule reads event times and never arrival times, so any order of delivery gives the same result.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from alsolike.events.interactions import SESSION_PREFIX, USER_PREFIX, Interaction, profile_id

if TYPE_CHECKING:
    import pandas as pd


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Login:
    """An interaction that bears both a user and a session; the least one of a session is its first login."""

    event_time_ms: int
    event_id: str
    user_id: str


def login_of(interaction: Interaction) -> Login | None:
    """Return the login that an interaction is, or None."""
    if interaction.user_id is None or interaction.session_id is None:
        return None
    return Login(interaction.event_time_ms, interaction.event_id, interaction.user_id)


def first_logins(interactions: Iterable[Interaction]) -> dict[str, Login]:
    """Return each session's first login, by session id."""
    first: dict[str, Login] = {}
    for interaction in interactions:
        if (login := login_of(interaction)) is not None and interaction.session_id is not None:
            first[interaction.session_id] = min(login, first.get(interaction.session_id, login))
    return first


def owner(interaction: Interaction, logins: Mapping[str, Login]) -> str:
    """Return the id of the profile that an interaction belongs to, given all first logins.

    Examples
    --------
    >>> fields = dict(item_id="i", event_type="view", event_value=None, recommendation_id=None, impression=(),
    ...               properties="{}", received_time_ms=9)
    >>> browsed = Interaction(event_id="a", user_id=None, session_id="s", event_time_ms=1, **fields)
    >>> bought = Interaction(event_id="b", user_id="7", session_id="s", event_time_ms=2, **fields)
    >>> owner(browsed, first_logins([browsed, bought]))
    'u#7'
    """
    if interaction.user_id is None and interaction.session_id is not None:
        login = logins.get(interaction.session_id)
        if login is not None and interaction.event_time_ms <= login.event_time_ms:
            return profile_id(user_id=login.user_id, session_id=None)
    return interaction.profile_id


def session_logins(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the first login of each session in the rows: event_time_ms, event_id and user_id by session_id.

    The results of several parts of the lake can be concatenated and passed to it again.

    Parameters
    ----------
    rows
        event_id, user_id, session_id and event_time_ms of the interactions table. All rows that may contain a login are
        needed, even those that a dataset excludes: a search logs in like a purchase.
    """
    columns = ["session_id", "event_time_ms", "event_id", "user_id"]
    logins = rows.loc[rows["user_id"].notna() & rows["session_id"].notna(), columns]
    least = logins.groupby("session_id")["event_time_ms"].transform("min")
    ties = logins[logins["event_time_ms"] == least]
    return ties.sort_values(["event_id", "user_id"]).drop_duplicates("session_id")


def owners(rows: pd.DataFrame, logins: pd.DataFrame | None = None) -> pd.Series[str]:
    """Return `owner` of each row, with the rows' index.

    Parameters
    ----------
    rows
        The rows for `session_logins`.
    logins
        The result of `session_logins` for the whole lake; None if `rows` are the whole lake.
    """
    anonymous = rows["user_id"].isna()
    own = (USER_PREFIX + rows["user_id"]).fillna(SESSION_PREFIX + rows["session_id"])
    sessions = rows.loc[anonymous, "session_id"]
    if sessions.empty:
        return own
    if logins is None:  # sessions that were never anonymous have nothing to join
        logins = session_logins(rows[rows["session_id"].isin(sessions.unique())])
    if logins.empty:
        return own
    first = logins.set_index("session_id")
    time_ms = sessions.map(first["event_time_ms"])
    joined = sessions[(rows.loc[anonymous, "event_time_ms"] <= time_ms).fillna(False).astype(bool)]
    own.loc[joined.index] = USER_PREFIX + joined.map(first["user_id"])
    return own
