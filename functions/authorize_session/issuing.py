"""Session tokens for pages with a site key."""

from __future__ import annotations

from typing import Any

from alsolike.configuration_document.reader import ConfigurationReader
from alsolike.events.session_tokens import DEFAULT_LIFETIME_S, mint
from alsolike.events.site_keys import open_session
from alsolike.runtime.errors import NotFound
from functions.authorize_session.session_keys import SessionKeys


def issue(
    body: bytes, *, origin: str | None, configuration: ConfigurationReader, keys: SessionKeys, now_s: float
) -> dict[str, Any]:
    now_ms = int(now_s * 1000)
    try:
        session = open_session(body, origin=origin, sessions=configuration.current(now_ms=now_ms).sessions)
    except NotFound:  # The polled configuration may lack a new site key.
        session = open_session(body, origin=origin, sessions=configuration.refresh(now_ms=now_ms).sessions)
    token = mint(keys.current(now_s=now_s)[0], session, now_s=int(now_s))
    return {"token": token, "sessionId": session.session_id, "expiresInS": DEFAULT_LIFETIME_S}
