"""Site keys, with which the pages of a shop request session tokens, and the limits of these sessions.

Site keys are public. A page generates a secret, `visitor`, and the session ID is a hash of the site key and this
secret. Logs and exports contain session IDs, but only the owner of the secret can request another token for the
session.
"""

from __future__ import annotations

import dataclasses

from alsolike.configuration.configuration import Sessions, Site
from alsolike.declarations.limits import MAX_ID_CHARACTERS
from alsolike.declarations.times import CLOCK_SKEW_MS, DAY_MS
from alsolike.events.interactions import content_event_id
from alsolike.events.session_tokens import Session
from alsolike.records.interaction import Interaction
from alsolike.runtime.errors import InvalidInput, NotFound
from alsolike.schema import validation
from alsolike.schema.fields import Fields, Text

MAX_AGE_MS = DAY_MS
"""Maximum age of an event in a session of a site key, in milliseconds. Event IDs depend on the day (`bounded`), so a
page could otherwise send an event once for each earlier day.
"""
MAX_LEAD_MS = CLOCK_SKEW_MS

TOKEN_REQUEST = Fields(
    {
        "siteKey": Text(MAX_ID_CHARACTERS),
        "visitor": Text(
            64,
            pattern="^[A-Za-z0-9_-]{22,64}$",
            expected="22 to 64 letters, digits, - and _, chosen at random",
        ),
    },
    required=("siteKey", "visitor"),
)


def site_of(key: str, sessions: Sessions) -> Site:
    if key not in sessions.sites:
        raise InvalidInput(f"the token's site key is {validation.describe(key)}, expected one of sessions.sites")
    return sessions.sites[key]


def open_session(body: bytes, *, origin: str | None, sessions: Sessions) -> Session:
    request = TOKEN_REQUEST.read(validation.parse_sent_object(body))
    key = request["siteKey"]
    if key not in sessions.sites:
        raise NotFound(f"siteKey is {validation.describe(key)}, expected one of sessions.sites in the configuration")
    if origin not in sessions.sites[key].origins:
        raise InvalidInput(
            f"the page's origin is {validation.describe(origin)}, expected one of sessions.sites.{key}.origins"
        )
    return Session(f"v-{content_event_id(key, request['visitor'])}", site=key)


def bounded(interaction: Interaction, *, now_ms: int, where: str) -> Interaction:
    """Check the time of an event in a site key's session, and replace the event's ID by a hash.

    The hash covers session, event type, item, query and UTC day. Therefore profiles, datasets and trends count one
    event for each combination.
    """
    age_ms = now_ms - interaction.event_time_ms
    if not -MAX_LEAD_MS <= age_ms <= MAX_AGE_MS:
        raise InvalidInput(f"{where}.sentAt is {age_ms / 1000:.0f} s ago, expected at most a day with a site key")
    day = interaction.event_time_ms // DAY_MS
    event_id = content_event_id(
        interaction.session_id, interaction.event_type, interaction.item_id, interaction.query, day
    )
    return dataclasses.replace(interaction, event_id=event_id)
