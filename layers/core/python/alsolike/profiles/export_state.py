"""State of a user's export between two pages, stored as an item of the profile table.

The item is in the partition of the user's erasure (`SessionLink.erased_profile_id`), so that an erasure deletes it.
Later pages do not extend the lifetime.
"""

from __future__ import annotations

import secrets
import zlib
from collections.abc import Iterable
from typing import Any, NamedTuple

import orjson

from alsolike.declarations.tables import PROFILES_PARTITION_KEY, PROFILES_SORT_KEY
from alsolike.lake.lake_objects import MERGE_GRACE_MS
from alsolike.profiles.profile import export_key
from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.client_protocols import DynamoDbClient
from alsolike.runtime.errors import InvalidInput, TooLarge, Unavailable
from alsolike.schema.queries import row_of_token, token_of_row

LIFETIME_S = MERGE_GRACE_MS // 1_000 * 3 // 4
"""Maximum time between the start of the first page and the start of the last page, in seconds.

Pages read objects in the order of keys, and a merged object precedes its inputs. If a compaction writes a merged object
whose key a page has already passed, the next page must still find the inputs, which exist for `MERGE_GRACE_MS`.
"""

MAX_STATE_BYTES = 390_000
"""Maximum size of a state, below DynamoDB's limit of 400 KB per item."""

INSTEAD = "run `alsolike users export USER > file.json`, which has no such limit"


class FirstLogin(NamedTuple):
    """First login of a session; see `alsolike.events.logins`.

    Attributes
    ----------
    received_ms
        Earliest time in epoch milliseconds at which a login of any user in the session was received.
    is_own
        True for a login of the exported user. The IDs of other users are not stored, because an erasure of another user
        does not search this state.
    """

    event_time_ms: int
    event_id: str
    is_own: bool
    received_ms: int

    def earlier(self, other: FirstLogin | None) -> FirstLogin:
        if other is None:
            return self
        return min(self, other)._replace(received_ms=min(self.received_ms, other.received_ms))


class ExportState(NamedTuple):
    """Sessions with a login of the user, each with its first login (None until it is known), and the time of expiry."""

    sessions: dict[str, FirstLogin | None]
    expires_s: int


class Place(NamedTuple):
    """Position at which a page starts: the export, its stage, and the last key that was read in this stage."""

    export_id: str
    stage: str
    key: str

    @property
    def token(self) -> str:
        return token_of_row(" ".join(self))

    @classmethod
    def from_token(cls, token: str, *, stages: Iterable[str]) -> Place:
        export_id, stage, key = (*row_of_token(token).split(" ", 2), "", "")[:3]
        if stage not in stages:
            raise InvalidInput("nextToken belongs to another list, expected a token that this route returned")
        return cls(export_id, stage, key)


class ExportStates:
    def __init__(self, client: DynamoDbClient, table: str) -> None:
        self._client = client
        self._table = table

    def read(self, partition: str, export_id: str, *, now_s: float) -> ExportState:
        with translate_aws_errors(f"profile table {self._table}"):
            item = self._client.get_item(
                TableName=self._table, Key=_key(partition, export_id), ConsistentRead=True
            ).get("Item")
        if item is None or (expires_s := int(item["expires_at"]["N"])) <= now_s:
            raise _ended()
        stored: dict[str, list[Any] | None] = orjson.loads(zlib.decompress(bytes(item["sessions"]["B"])))
        sessions = {session: None if login is None else FirstLogin(*login) for session, login in stored.items()}
        return ExportState(sessions, expires_s)

    def write(self, partition: str, export_id: str | None, state: ExportState) -> str:
        """Store the state of an export, and return the export's ID. A new ID is created if `export_id` is None."""
        stored = {session: None if login is None else list(login) for session, login in state.sessions.items()}
        body = zlib.compress(orjson.dumps(stored), 9)
        if len(body) > MAX_STATE_BYTES:
            raise TooLarge(f"the user's {len(stored):,} sessions exceed the state of an export in pages; {INSTEAD}")
        condition = {} if export_id is None else {"ConditionExpression": f"attribute_exists({PROFILES_SORT_KEY})"}
        export_id = export_id or secrets.token_urlsafe(9)
        item = {
            **_key(partition, export_id),
            "sessions": {"B": body},
            "expires_at": {"N": str(state.expires_s)},
        }
        try:
            with translate_aws_errors(f"profile table {self._table}"):
                self._client.put_item(TableName=self._table, Item=item, **condition)
        except Unavailable as error:
            if error.code == "ConditionalCheckFailedException":
                raise _ended() from error
            raise
        return export_id


def _key(partition: str, export_id: str) -> dict[str, Any]:
    return {PROFILES_PARTITION_KEY: {"S": partition}, PROFILES_SORT_KEY: {"S": export_key(export_id)}}


def _ended() -> InvalidInput:
    return InvalidInput(
        f"nextToken belongs to an export that has ended, {LIFETIME_S // 60} minutes after its first page or with the "
        f"user's erasure; start again without nextToken, or {INSTEAD}"
    )
