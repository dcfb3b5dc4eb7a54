"""Assignment of a session's interactions to a user after a login.

A login is an interaction with both a user ID and a session ID. The first login of a session is the login with the
earliest event time, and at equal times the lowest event ID. The session's anonymous interactions up to the first login
belong to the user of this login. Later anonymous interactions belong to the session. Later logins assign nothing. The
rule uses event times, not arrival times, so the result for the lake does not depend on the order of delivery. Until a
rebuild, a live profile uses the login that arrives first instead (`alsolike.profiles.profile_table`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING

from alsolike.events.interactions import SESSION_PREFIX, USER_PREFIX, Interaction

if TYPE_CHECKING:
    import pandas as pd


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Login:
    """Interaction with both a user and a session. The minimum of a session's logins is the first login."""

    event_time_ms: int
    event_id: str
    user_id: str


def login_of(interaction: Interaction) -> Login | None:
    if interaction.user_id is None or interaction.session_id is None:
        return None
    return Login(interaction.event_time_ms, interaction.event_id, interaction.user_id)


def first_logins(interactions: Iterable[Interaction]) -> dict[str, Login]:
    first: dict[str, Login] = {}
    for interaction in interactions:
        if (login := login_of(interaction)) is not None and interaction.session_id is not None:
            first[interaction.session_id] = min(login, first.get(interaction.session_id, login))
    return first


def session_logins(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the first login of each session, one row per session: session_id, event_time_ms, event_id and user_id.

    The concatenated results for several parts of the lake are valid input for another call. Include rows of all event
    types, because a search can be a login.
    """
    columns = ["session_id", "event_time_ms", "event_id", "user_id"]
    logins = rows.loc[rows["user_id"].notna() & rows["session_id"].notna(), columns]
    minimum = logins.groupby("session_id")["event_time_ms"].transform("min")
    ties = logins[logins["event_time_ms"] == minimum]
    return ties.sort_values(["event_id", "user_id"]).drop_duplicates("session_id")


def owners(rows: pd.DataFrame, logins: pd.DataFrame | None = None) -> pd.Series[str]:
    """Return the profile ID of each row's owner, with the index of the rows.

    `logins` is the result of `session_logins` for the complete lake; None if `rows` contain the complete lake.
    """
    anonymous = rows["user_id"].isna()
    own = (USER_PREFIX + rows["user_id"]).fillna(SESSION_PREFIX + rows["session_id"])
    sessions = rows.loc[anonymous, "session_id"]
    if sessions.empty:
        return own
    if logins is None:  # Only sessions with anonymous rows need a login.
        logins = session_logins(rows[rows["session_id"].isin(sessions.unique())])
    if logins.empty:
        return own
    first = logins.set_index("session_id")
    time_ms = sessions.map(first["event_time_ms"])
    joined = sessions[(rows.loc[anonymous, "event_time_ms"] <= time_ms).fillna(False).astype(bool)]
    own.loc[joined.index] = USER_PREFIX + joined.map(first["user_id"])
    return own
