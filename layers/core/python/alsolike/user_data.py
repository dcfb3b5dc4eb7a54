"""Everything that is held about a user, as one JSON document, written piece by piece."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import orjson
from botocore.exceptions import BotoCoreError, ClientError

from alsolike import lake, served
from alsolike.clients import ProfileClient
from alsolike.erasures import ReceiptStore, erasure_id
from alsolike.errors import InvalidInput, Unavailable
from alsolike.identity import owners
from alsolike.interactions import profile_id
from alsolike.mentions import Mentions
from alsolike.profiles import ProfileStore
from alsolike.pseudonyms import Pseudonyms
from alsolike.quarantine import QuarantinedRecord
from alsolike.scanning import scan

if TYPE_CHECKING:
    import pandas as pd


class ReadRows(Protocol):
    """Reads rows of a Parquet object; whoever calls this module has a library for that."""

    def __call__(
        self, body: bytes, *, column: str, values: Sequence[str], columns: Sequence[str]
    ) -> pd.DataFrame | None:
        """Return some columns of the rows whose `column` is one of `values`; None where there are none."""


class Concatenate(Protocol):
    """Puts frames under each other."""

    def __call__(self, frames: Sequence[pd.DataFrame], *, columns: Sequence[str]) -> pd.DataFrame:
        """Return all rows; no frames give an empty one with these columns."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Table:
    prefix: str
    columns: Sequence[str]


_INTERACTIONS = _Table(lake.INTERACTIONS_PREFIX, tuple(lake.COLUMNS))
_SERVED = _Table(served.PREFIX, tuple(served.COLUMNS))


@dataclasses.dataclass(frozen=True, slots=True)
class Places:
    """The stores of a deployment."""

    lake_bucket: str
    artefact_bucket: str
    profiles_table: str
    users_table: str


@dataclasses.dataclass(frozen=True, slots=True)
class UserData:
    """Finds what is held about a user.

    Attributes
    ----------
    s3, dynamodb
        Low-level clients.
    on_object
        Called after each object that was read: to show progress, or to stop by raising.
    """

    s3: Any
    dynamodb: ProfileClient
    places: Places
    pseudonyms: Pseudonyms
    read_rows: ReadRows
    concatenate: Concatenate
    on_object: Callable[[], None] = lambda: None

    def document(self, user_id: str) -> Iterator[bytes]:
        """Yield the JSON document of a user, by the id that is stored, in pieces.

        Its keys: userId, user (what the shop said), profile (recent interactions), sessions (that joined the profile),
        interactions (each event once, also those of sessions before the login), recommendations (each answer once, with
        the columns of `served`, also those to sessions before the login), quarantine (unreadable records that name the
        user) and erasure (the receipt). What is not held is null or an empty list.

        Raises
        ------
        Unavailable
            If a store does not answer.
        """
        yield b'{"userId":' + _json(user_id)
        yield b',"user":' + _json(self._user(user_id))
        yield b',"profile":' + _json(self._profile(user_id))
        yield b',"sessions":' + _json(list(self._sessions(user_id)))
        interactions = self._interactions(user_id)
        yield b',"interactions":'
        yield from _list(_in_order(interactions, by=["event_time_ms", "event_id"]))
        yield b',"recommendations":'
        recommendations = self._recommendations(user_id, logins=_logins(interactions))
        yield from _list(_in_order(recommendations, by=["served_ms", "recommendation_id"]))
        yield b',"quarantine":'
        yield from _list(self._quarantine(user_id))
        receipt = ReceiptStore(self.s3, self.places.artefact_bucket).find(erasure_id(self.pseudonyms, user_id))
        yield b',"erasure":' + _json(None if receipt is None else receipt.document()) + b"}\n"

    def _user(self, user_id: str) -> dict[str, Any] | None:
        with_row = self._item(self.places.users_table, "user_id", user_id)
        if with_row is None or "properties" not in with_row:
            return None
        return {
            "properties": orjson.loads(with_row["properties"]["S"]),
            "updatedAtMs": int(with_row["updated_at_ms"]["N"]),
        }

    def _profile(self, user_id: str) -> dict[str, Any] | None:
        profile = ProfileStore(self.dynamodb, self.places.profiles_table).read(
            profile_id(user_id=user_id, session_id=None), consistent=True
        )
        if not profile.revision:
            return None
        return {"erased": profile.erased, "recent": [each._asdict() for each in profile.recent]}

    def _sessions(self, user_id: str) -> Iterator[dict[str, Any]]:
        try:
            for page in self.dynamodb.get_paginator("scan").paginate(
                TableName=self.places.profiles_table,
                FilterExpression="joined_profile = :profile",
                ExpressionAttributeValues={":profile": {"S": profile_id(user_id=user_id, session_id=None)}},
                ProjectionExpression="profile_id, joined_at_ms",
            ):
                self.on_object()
                for item in page["Items"]:
                    session = item["profile_id"]["S"].removeprefix("s#")
                    yield {"sessionId": session, "joinedAtMs": int(item["joined_at_ms"]["N"])}
        except (BotoCoreError, ClientError) as error:
            raise Unavailable(f"table {self.places.profiles_table}: {error}") from error

    def _interactions(self, user_id: str) -> pd.DataFrame:
        rows = lake.deduplicate(self._rows(_INTERACTIONS, "user_id", [user_id]))
        sessions = [session for session in rows["session_id"].unique() if isinstance(session, str)]
        if not sessions:
            return rows
        # Whose a session is, only all of its logins tell.
        around = self.concatenate([rows, self._rows(_INTERACTIONS, "session_id", sessions)], columns=list(lake.COLUMNS))
        around = lake.deduplicate(around)
        return around[owners(around) == profile_id(user_id=user_id, session_id=None)]

    def _recommendations(self, user_id: str, *, logins: Mapping[str, int]) -> pd.DataFrame:
        """Return what was answered to the user, and to sessions until the user logged in."""
        until = {self.pseudonyms.shopper(session): login_ms for session, login_ms in logins.items()}
        own = self.pseudonyms.shopper(user_id)
        # Whoever asks by one id need not say which it is: a session's may stand where users' do.
        found = [self._rows(_SERVED, column, [own, *until]) for column in ("shopper", "session")]
        rows = self.concatenate(found, columns=list(served.COLUMNS)).drop_duplicates("recommendation_id")
        theirs = [
            shopper == own or any(served_ms <= until.get(name, -1) for name in (shopper, session))
            for served_ms, shopper, session in zip(
                rows["served_ms"], rows["shopper"].fillna(""), rows["session"].fillna(""), strict=True
            )
        ]
        return rows.loc[theirs]

    def _rows(self, table: _Table, column: str, values: Sequence[str]) -> pd.DataFrame:
        frames = []
        for found in scan(self.s3, self.places.lake_bucket, table.prefix):
            if found.body is not None and found.key.endswith(".parquet"):
                try:
                    rows = self.read_rows(found.body, column=column, values=values, columns=table.columns)
                except ValueError as error:  # Arrow's errors are
                    where = f"s3://{self.places.lake_bucket}/{found.key}"
                    raise Unavailable(f"{where} is not a Parquet file: {error}") from error
                if rows is not None:
                    frames.append(rows)
            self.on_object()
        return self.concatenate(frames, columns=table.columns)

    def _quarantine(self, user_id: str) -> Iterator[dict[str, Any]]:
        mentions = Mentions(user_id)
        for found in scan(self.s3, self.places.lake_bucket, lake.QUARANTINE_PREFIX):
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
        try:
            answer = self.dynamodb.get_item(TableName=table, Key={key: {"S": value}}, ConsistentRead=True)
        except (BotoCoreError, ClientError) as error:
            raise Unavailable(f"table {table}: {error}") from error
        item: dict[str, Any] | None = answer.get("Item")
        return item


def _logins(interactions: pd.DataFrame) -> dict[str, int]:
    """Return when the user first logged in to each session of theirs, epoch milliseconds."""
    logged_in = interactions[interactions["user_id"].notna() & interactions["session_id"].notna()]
    firsts = logged_in.groupby("session_id")["event_time_ms"].min()
    return {str(session): int(first_ms) for session, first_ms in firsts.items()}


def _in_order(rows: pd.DataFrame, *, by: list[str]) -> Iterator[dict[str, Any]]:
    for row in rows.sort_values(by).to_dict("records"):
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
    """Return a cell of a frame as JSON has it: lists as lists, what is missing as null."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return None if value is None or value != value or repr(value) in ("<NA>", "NaT") else value
