"""Links of sessions to the users that logged in: cached reads, and conditional writes of the marks."""

from __future__ import annotations

from collections.abc import Sequence

from botocore.exceptions import BotoCoreError, ClientError

from alsolike.declarations.tables import PROFILES_PARTITION_KEY, PROFILES_SORT_KEY
from alsolike.profiles.batch_writes import MAX_ATTEMPTS, BatchWriter, key_of
from alsolike.profiles.profile import JOINED_KEY, SessionLink, is_moving, link_item, link_of
from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.cache import BoundedCache
from alsolike.runtime.client_protocols import DynamoDbClient
from alsolike.runtime.errors import Unavailable

_BATCH_KEYS = 100
"""Maximum number of keys per read, as limited by DynamoDB."""
_LINK_BYTES = 500
"""Approximate size of a cached link in memory, in bytes."""


class SessionLinks:
    """Marks of sessions with a login in the profile table. Sessions are identified by profile ID."""

    def __init__(self, client: DynamoDbClient, table: str, *, writer: BatchWriter, remember_bytes: int) -> None:
        self._client, self._table, self._writer = client, table, writer
        self._cache: BoundedCache[str, tuple[SessionLink, bool]] = BoundedCache(remember_bytes)

    def current(self, sessions: Sequence[str]) -> dict[str, SessionLink]:
        """Return the link of each session that has a login, by profile ID of the session."""
        cached = {session: known[0] for session in sessions if (known := self._cache.get(session)) is not None}
        read = self.read([session for session in sessions if session not in cached])
        return cached | {session: link for session, (link, _) in read.items()}

    def read(self, sessions: Sequence[str]) -> dict[str, tuple[SessionLink, bool]]:
        """Read and cache the links of the sessions that have a login, by consistent reads.

        The second value per session is true if the session's mark is `moving`.
        """
        links: dict[str, tuple[SessionLink, bool]] = {}
        wanted = [key_of(session, JOINED_KEY) for session in dict.fromkeys(sessions)]
        failed_attempts = 0
        while wanted:
            batch, wanted = wanted[:_BATCH_KEYS], wanted[_BATCH_KEYS:]
            with translate_aws_errors(f"profile table {self._table}"):
                request = {self._table: {"Keys": batch, "ConsistentRead": True}}
                answer = self._client.batch_get_item(RequestItems=request)
            items = answer["Responses"].get(self._table, [])
            links |= {item[PROFILES_PARTITION_KEY]["S"]: (link_of(item), is_moving(item)) for item in items}
            unread = answer.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", [])
            wanted = unread + wanted
            failed_attempts = self._writer.paused(failed_attempts + 1 if len(unread) == len(batch) else 0)
            if failed_attempts == MAX_ATTEMPTS:
                raise Unavailable(f"profile table {self._table}: nothing was read {MAX_ATTEMPTS} times in a row")
        for session, (link, moving) in links.items():
            self.remember(session, link, moving=moving)
        return links

    def is_known(self, session: str, link: SessionLink) -> bool:
        """Return true if the cache shows that another login has joined the session, or that this join is complete."""
        stored, moving = self._cache.get(session) or (None, True)
        return stored is not None and (stored != link or not moving)

    def mark(self, session: str, link: SessionLink, *, expires_s: int) -> tuple[SessionLink, bool]:
        """Mark a session as joined, unless it already is. Return the stored link, and true if the mark is `moving`."""
        item = link_item(session, link, expires_s=expires_s, moving=True)
        try:
            self._client.put_item(
                TableName=self._table,
                Item=item,
                ConditionExpression=f"attribute_not_exists({PROFILES_SORT_KEY})",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except self._client.exceptions.ConditionalCheckFailedException as error:
            return link_of(error.response["Item"]), is_moving(error.response["Item"])
        except (BotoCoreError, ClientError) as error:
            raise Unavailable(f"profile table {self._table}: {error}") from error
        return link, True

    def remember(self, session: str, link: SessionLink, *, moving: bool) -> None:
        """Cache a stored link. `moving` is true until all interactions up to the login are copied."""
        self._cache.put(session, (link, moving), size_bytes=_LINK_BYTES)

    def forget(self, session: str) -> None:
        self._cache.forget(session)
