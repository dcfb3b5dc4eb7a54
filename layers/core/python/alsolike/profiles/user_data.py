"""Everything that is held about a user, as one JSON document, written piece by piece."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import orjson

from alsolike.contract.queries import token_of_row
from alsolike.declarations.storage import INTERACTIONS_PREFIX, QUARANTINE_PREFIX, SERVED_PREFIX
from alsolike.declarations.tables import INTERACTIONS_COLUMNS, SERVED_COLUMNS
from alsolike.events.identity import owners, session_logins
from alsolike.events.interactions import profile_id
from alsolike.lake import lake
from alsolike.lake.dead_letters import QuarantinedRecord
from alsolike.privacy.erasures import ErasureReceiptStore, erasure_id
from alsolike.privacy.pseudonyms import Pseudonyms
from alsolike.privacy.user_matcher import UserMatcher
from alsolike.profiles.store import ProfileStore
from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.clients import ProfileClient
from alsolike.runtime.errors import InvalidInput, Unavailable
from alsolike.runtime.s3 import scan

if TYPE_CHECKING:
    import pandas as pd


class ReadRows(Protocol):
    """A reader of a Parquet object's rows; the caller provides it with its own library."""

    def __call__(
        self, body: bytes, *, values: Mapping[str, Sequence[str]], columns: Sequence[str]
    ) -> pd.DataFrame | None:
        """Return some columns of the rows in which a column has one of its `values`; None if there are none."""


class Concatenate(Protocol):
    """A function that concatenates frames."""

    def __call__(self, frames: Sequence[pd.DataFrame], *, columns: Sequence[str]) -> pd.DataFrame:
        """Return all rows; without frames, an empty frame with these columns."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Table:
    prefix: str
    columns: Sequence[str]


AT_ONCE = 32
"""Objects that are read ahead: a small one takes S3 tens of milliseconds, and the processor two."""

LOG = SERVED_PREFIX
"""The key after which the recommendation log begins."""

HasRoom: TypeAlias = Callable[[bytes], bool]
"""Returns true if a page has time and room for an object of the log, given the JSON of the user's rows in it."""

_INTERACTIONS = _Table(INTERACTIONS_PREFIX, tuple(INTERACTIONS_COLUMNS))
_SERVED = _Table(SERVED_PREFIX, tuple(SERVED_COLUMNS))


@dataclasses.dataclass(frozen=True, slots=True)
class UserDataStores:
    """The stores of a deployment."""

    lake_bucket: str
    artefact_bucket: str
    profiles_table: str
    users_table: str


@dataclasses.dataclass(frozen=True, slots=True)
class UserData:
    """A search for a user's stored data.

    Attributes
    ----------
    s3, dynamodb
        Low-level clients.
    on_object
        Called after each object that was read: to show progress, or to stop by raising.
    """

    s3: Any
    dynamodb: ProfileClient
    places: UserDataStores
    pseudonyms: Pseudonyms
    read_rows: ReadRows
    concatenate: Concatenate
    on_object: Callable[[], None] = lambda: None

    def document(
        self, user_id: str, *, after: str | None = None, has_room: HasRoom = lambda rows: True
    ) -> Iterator[bytes]:
        """Yield the JSON document of a user, by the stored id, in pieces.

        Its keys: userId, user (the shop's properties), profile (all its stored interactions), sessions (that joined the
        profile), interactions (each event once, also those of sessions before the login), quarantine (unreadable
        records that name the user), erasure (the receipt), recommendations (each answer once, with the columns of
        `served`, also those to sessions before the login) and nextToken (if the log has more objects). Missing data is
        null or an empty list.

        Parameters
        ----------
        after
            Key of the log after which a later page starts; that page has only userId, recommendations and nextToken.
        has_room
            Called for each object of the log; false ends the page before that object.

        Raises
        ------
        Unavailable
            If a store does not answer.
        """
        yield b'{"userId":' + _json(user_id)
        interactions, until = self._interactions(user_id)
        if after is None:
            yield from self._without_log(user_id, interactions)
        yield b',"recommendations":'
        rows, last = self._recommendations(user_id, until=until, after=after or LOG, has_room=has_room)
        yield from _list(_in_order(rows, by=["served_ms", "recommendation_id"]))
        yield b"}\n" if last is None else b',"nextToken":' + _json(token_of_row(last)) + b"}\n"

    def _without_log(self, user_id: str, interactions: pd.DataFrame) -> Iterator[bytes]:
        yield b',"user":' + _json(self._user(user_id))
        yield b',"profile":' + _json(self._profile(user_id))
        yield b',"sessions":' + _json(list(self._sessions(user_id)))
        yield b',"interactions":'
        yield from _list(_in_order(interactions, by=["event_time_ms", "event_id"]))
        yield b',"quarantine":'
        yield from _list(self._quarantine(user_id))
        receipt = ErasureReceiptStore(self.s3, self.places.artefact_bucket).find(erasure_id(self.pseudonyms, user_id))
        yield b',"erasure":' + _json(None if receipt is None else receipt.document())

    def _user(self, user_id: str) -> dict[str, Any] | None:
        with_row = self._item(self.places.users_table, "user_id", user_id)
        if with_row is None or "properties" not in with_row:
            return None
        return {
            "properties": orjson.loads(with_row["properties"]["S"]),
            "updatedAtMs": int(with_row["updated_at_ms"]["N"]),
        }

    def _profile(self, user_id: str) -> dict[str, Any] | None:
        profile = self._profiles().read(profile_id(user_id=user_id, session_id=None), length=None, consistent=True)
        if not (profile.recent or profile.erased):
            return None
        return {"erased": profile.erased, "recent": [each._asdict() for each in profile.recent]}

    def _sessions(self, user_id: str) -> Iterator[dict[str, Any]]:
        joined = self._profiles().sessions_of(profile_id(user_id=user_id, session_id=None))
        self.on_object()
        for session, link in joined.items():
            yield {"sessionId": session.removeprefix("s#"), "joinedAtMs": link.at_ms}

    def _profiles(self) -> ProfileStore:
        return ProfileStore(self.dynamodb, self.places.profiles_table)

    def _interactions(self, user_id: str) -> tuple[pd.DataFrame, dict[str, int]]:
        """Return the user's interactions, and the sessions that are the user's with the end of their anonymous part.

        That end is the first time at which a login of any user was received. It is a time of the server's clock, like
        those of responses.
        """
        rows = lake.deduplicate(self._rows(_INTERACTIONS, {"user_id": [user_id]}))
        sessions = [session for session in rows["session_id"].unique() if isinstance(session, str)]
        if not sessions:
            return rows, {}
        # The user of a session depends on all of its logins.
        of_sessions = self._rows(_INTERACTIONS, {"session_id": sessions})
        around = lake.deduplicate(self.concatenate([rows, of_sessions], columns=list(INTERACTIONS_COLUMNS)))
        logins = around[around["user_id"].notna() & around["session_id"].notna()]
        first = session_logins(logins)
        own = first.loc[first["user_id"] == user_id, "session_id"]
        received = logins[logins["session_id"].isin(own)].groupby("session_id")["received_time_ms"].min()
        until = {str(session): int(received_ms) for session, received_ms in received.items()}
        return around[owners(around) == profile_id(user_id=user_id, session_id=None)], until

    def _recommendations(
        self, user_id: str, *, until: Mapping[str, int], after: str, has_room: HasRoom
    ) -> tuple[pd.DataFrame, str | None]:
        """Return the responses to the user, and to the user's sessions without a user before the login was received.

        The second value is the key of the last object that was read; None at the end of the log.
        """
        ends = {self.pseudonyms.shopper(session): received_ms for session, received_ms in until.items()}
        own = self.pseudonyms.shopper(user_id)
        wanted = [own, *ends]

        def theirs(rows: pd.DataFrame) -> list[bool]:
            # A request with one ID may contain a user's or a session's. So a session's hash may be in the column of
            # users; next to another user's hash, it does not identify the user.
            return [
                own in (shopper, session) or served_ms <= ends.get(shopper or session, -1)
                for served_ms, shopper, session in zip(
                    rows["served_ms"], rows["shopper"].fillna(""), rows["session"].fillna(""), strict=True
                )
            ]

        frames: list[pd.DataFrame] = []
        end = None
        with contextlib.closing(self._objects(_SERVED, {"shopper": wanted, "session": wanted}, after=after)) as objects:
            for key, found in objects:
                rows = None if found is None else found.loc[theirs(found)]
                if not has_room(b"" if rows is None else b",".join(map(_json, _in_order(rows)))):
                    end = after
                    break
                if rows is not None:
                    frames.append(rows)
                after = key
        return self.concatenate(frames, columns=_SERVED.columns).drop_duplicates("recommendation_id"), end

    def _rows(self, table: _Table, values: Mapping[str, Sequence[str]]) -> pd.DataFrame:
        frames = [rows for _, rows in self._objects(table, values) if rows is not None]
        return self.concatenate(frames, columns=table.columns)

    def _objects(
        self, table: _Table, values: Mapping[str, Sequence[str]], *, after: str = ""
    ) -> Generator[tuple[str, pd.DataFrame | None]]:
        """Yield each object's key with its rows that have one of the values; None without such rows."""
        for found in scan(self.s3, self.places.lake_bucket, table.prefix, after=after, at_once=AT_ONCE):
            rows = None
            if found.body is not None and found.key.endswith(".parquet"):
                try:
                    rows = self.read_rows(found.body, values=values, columns=table.columns)
                except ValueError as error:  # Arrow's errors are
                    where = f"s3://{self.places.lake_bucket}/{found.key}"
                    raise Unavailable(f"{where} is not a Parquet file: {error}") from error
            yield found.key, rows
            self.on_object()

    def _quarantine(self, user_id: str) -> Iterator[dict[str, Any]]:
        mentions = UserMatcher(user_id)
        for found in scan(self.s3, self.places.lake_bucket, QUARANTINE_PREFIX):
            self.on_object()
            if found.body is None:
                continue
            try:
                quarantined = QuarantinedRecord.from_json(found.body)
            except InvalidInput:
                if mentions.text(found.body):
                    yield {"key": found.key, "record": found.body.decode("utf-8", "replace")}
                continue
            data = quarantined.record.data
            if mentions.partition(quarantined.record.partition_key) or mentions.record(data):
                record = data.decode("utf-8", "replace")
                yield {"key": found.key, "reason": quarantined.reason, "record": record}

    def _item(self, table: str, key: str, value: str) -> dict[str, Any] | None:
        with translate_aws_errors(f"table {table}"):
            answer = self.dynamodb.get_item(TableName=table, Key={key: {"S": value}}, ConsistentRead=True)
        item: dict[str, Any] | None = answer.get("Item")
        return item


def _in_order(rows: pd.DataFrame, *, by: list[str] | None = None) -> Iterator[dict[str, Any]]:
    for row in (rows if by is None else rows.sort_values(by)).to_dict("records"):
        yield {str(name): _plain(value) for name, value in row.items()}


def _list(elements: Iterator[Any]) -> Iterator[bytes]:
    separator = b"["
    for element in elements:
        yield separator + _json(element)
        separator = b","
    yield b"[]" if separator == b"[" else b"]"


def _json(value: Any) -> bytes:
    return orjson.dumps(value)


def _plain(value: Any) -> Any:
    """Return a cell of a frame in JSON's types: lists as lists, missing values as null."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return None if value is None or value != value or repr(value) in ("<NA>", "NaT") else value
