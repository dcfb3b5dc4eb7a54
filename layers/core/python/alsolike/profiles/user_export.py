"""Export of a user's stored data as a JSON document, in pages."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeAlias

import orjson

from alsolike.declarations.storage import INTERACTIONS_PREFIX, QUARANTINE_PREFIX, SERVED_PREFIX
from alsolike.events.interactions import SESSION_PREFIX, profile_id
from alsolike.lake.duplicates import deduplicate
from alsolike.lake.quarantine import QuarantinedRecord
from alsolike.privacy.erasures import ErasureReceiptStore, erasure_id
from alsolike.privacy.pseudonyms import Pseudonyms
from alsolike.privacy.user_matcher import Owner, UserMatcher
from alsolike.profiles.export_state import LIFETIME_S, ExportState, ExportStates, FirstLogin, Place
from alsolike.profiles.profile import SessionLink
from alsolike.profiles.profile_table import ProfileStore
from alsolike.records.interaction import INTERACTIONS_COLUMNS
from alsolike.records.served_response import SERVED_COLUMNS
from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.client_protocols import DynamoDbClient, S3Client
from alsolike.runtime.errors import InvalidInput, Unavailable
from alsolike.runtime.s3 import scan

if TYPE_CHECKING:
    import pandas as pd


@dataclasses.dataclass(frozen=True, slots=True)
class _Table:
    prefix: str
    columns: Sequence[str]


MAX_CONCURRENT_READS = 32
"""Maximum number of concurrent reads. S3's latency is about ten times the processing time of an object."""

SESSIONS, LOGINS, INTERACTIONS, QUARANTINE, LOG = STAGES = ("sessions", "logins", "interactions", "quarantine", "log")
"""Stages of an export in order. The first two find the user's sessions and their first logins."""

HasRoom: TypeAlias = Callable[[bytes], bool]
"""Predicate that is true if the current page has enough time and space for the JSON rows of an object."""

Sessions: TypeAlias = "dict[str, FirstLogin | None]"
"""First login of each session with a login of the exported user; None until it is read. The first login may be of
another user.
"""

_INTERACTIONS = _Table(INTERACTIONS_PREFIX, tuple(INTERACTIONS_COLUMNS))
_SERVED = _Table(SERVED_PREFIX, tuple(SERVED_COLUMNS))


@dataclasses.dataclass(frozen=True, slots=True)
class UserDataStores:
    lake_bucket: str
    artefact_bucket: str
    profiles_table: str
    users_table: str


@dataclasses.dataclass(frozen=True, slots=True)
class UserData:
    """Search for the stored data of users.

    Attributes
    ----------
    pandas, parquet
        Modules `pandas` and `pyarrow.parquet`, which the core layer does not contain.
    on_object
        Function that is called after each object, for progress reports. An exception stops the search.
    """

    s3: S3Client
    dynamodb: DynamoDbClient
    places: UserDataStores
    pseudonyms: Pseudonyms
    pandas: ModuleType
    parquet: ModuleType
    on_object: Callable[[], None] = lambda: None
    now_s: Callable[[], float] = time.time

    def document(
        self, user_id: str, *, after: Place | None = None, has_room: HasRoom = lambda rows: True
    ) -> Iterator[bytes]:
        """Yield the parts of one page of a user's JSON document. `user_id` is the stored ID.

        The document has these keys. Missing data are null or an empty list. Lists have no duplicates within a page:

        - userId;
        - user: the shop's properties;
        - profile: all interactions of the live profile, also those with actions;
        - sessions: the sessions that joined the profile;
        - erasure: the receipt;
        - interactions: the events of the user, and the anonymous events of the user's sessions up to the login;
        - quarantine: unreadable records of the user (`UserMatcher`);
        - recommendations: rows of `served` for the user, and for the user's sessions up to the login;
        - nextToken: the token of the next page, absent on the last page.

        Parameters
        ----------
        after
            Position of a later page; None for the first page. Later pages omit user, profile, sessions and erasure.
        has_room
            Predicate that is called for each object. If it returns false, the page ends before this object.
        """
        page = _Page(self, user_id, after=after, has_room=has_room)
        yield b'{"userId":' + _json(user_id)
        if after is None:
            yield from self._description(user_id)
        page.read()
        for name, rows in page.rows.items():
            yield b',"' + name.encode() + b'":[' + b",".join(rows) + b"]"
        token = page.token
        yield b"}\n" if token is None else b',"nextToken":' + _json(token) + b"}\n"

    def _description(self, user_id: str) -> Iterator[bytes]:
        yield b',"user":' + _json(self._user(user_id))
        yield b',"profile":' + _json(self._profile(user_id))
        yield b',"sessions":' + _json(list(self._sessions(user_id)))
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
        own_id = profile_id(user_id=user_id, session_id=None)
        profile = self._profiles().read(own_id, length=None, consistent=True)
        actions = self._profiles().read_actions(own_id, length=None, consistent=True)
        if not (profile.recent or profile.erased or actions):
            return None
        document = {"erased": profile.erased, "recent": [interaction._asdict() for interaction in profile.recent]}
        return {**document, "actions": [event._asdict() for event in actions]} if actions else document

    def _sessions(self, user_id: str) -> Iterator[dict[str, Any]]:
        joined = self._profiles().sessions_of(profile_id(user_id=user_id, session_id=None))
        self.on_object()
        for session, link in joined.items():
            yield {"sessionId": session.removeprefix(SESSION_PREFIX), "joinedAtMs": link.at_ms}

    def _profiles(self) -> ProfileStore:
        return ProfileStore(self.dynamodb, self.places.profiles_table)

    def objects(
        self, table: _Table, values: Mapping[str, Sequence[str]], *, after: str = ""
    ) -> Generator[tuple[str, pd.DataFrame | None]]:
        """Yield the key of each object with the rows that contain one of the values.

        Yield None instead of zero rows.
        """
        for stored in scan(self.s3, self.places.lake_bucket, table.prefix, after=after, at_once=MAX_CONCURRENT_READS):
            rows = None
            if stored.body is not None and stored.key.endswith(".parquet"):
                try:
                    rows = self._read(stored.body, table, values)
                except ValueError as error:  # Base class of `pyarrow.ArrowInvalid`.
                    where = f"s3://{self.places.lake_bucket}/{stored.key}"
                    raise Unavailable(f"{where} is not a Parquet file: {error}") from error
            yield stored.key, rows
            self.on_object()

    def _read(self, body: bytes, table: _Table, values: Mapping[str, Sequence[str]]) -> pd.DataFrame | None:
        wanted = [[(name, "in", list(ids))] for name, ids in values.items()]
        rows = self.parquet.read_table(io.BytesIO(body), filters=wanted)
        if not rows.num_rows:
            return None
        frame: pd.DataFrame = rows.to_pandas(types_mapper=self.pandas.ArrowDtype)
        return frame.reindex(columns=list(table.columns))

    def concatenate(self, frames: Sequence[pd.DataFrame], *, columns: Sequence[str]) -> pd.DataFrame:
        rows: pd.DataFrame = (
            self.pandas.concat(frames, ignore_index=True) if frames else self.pandas.DataFrame(columns=list(columns))
        )
        return rows

    def quarantined(self, user_id: str, *, after: str) -> Generator[tuple[str, dict[str, Any] | None]]:
        """Yield the key of each quarantined object with its record, or with None if the record does not belong to the
        user.
        """
        matcher = UserMatcher(user_id)
        for stored in scan(self.s3, self.places.lake_bucket, QUARANTINE_PREFIX, after=after):
            yield stored.key, None if stored.body is None else _quarantined(stored.key, stored.body, matcher)
            self.on_object()

    def _item(self, table: str, key: str, value: str) -> dict[str, Any] | None:
        with translate_aws_errors(f"table {table}"):
            answer = self.dynamodb.get_item(TableName=table, Key={key: {"S": value}}, ConsistentRead=True)
        item: dict[str, Any] | None = answer.get("Item")
        return item


class _Page:
    """Rows of one page of an export, as JSON by key of the document."""

    def __init__(self, data: UserData, user_id: str, *, after: Place | None, has_room: HasRoom) -> None:
        self._data = data
        self._user_id = user_id
        self._has_room = has_room
        self._states = ExportStates(data.dynamodb, data.places.profiles_table)
        # The placeholder contains no user ID, so that an export after an erasure does not store the user ID.
        self._partition = SessionLink.erased_profile_id(erasure_id(data.pseudonyms, user_id))
        self._after = after
        self._stage, self._key = (SESSIONS, "") if after is None else (after.stage, after.key)
        self._own: pd.DataFrame | None = None
        self._around: pd.DataFrame | None = None
        self._sessions: Sessions = {}
        self._expires_s = int(data.now_s()) + LIFETIME_S
        self.rows: dict[str, list[bytes]] = {name: [] for name in ("interactions", "quarantine", "recommendations")}

    def read(self) -> None:
        if self._after is not None:
            self._sessions, self._expires_s = self._states.read(
                self._partition, self._after.export_id, now_s=self._data.now_s()
            )
        steps = {
            SESSIONS: self._find_sessions,
            LOGINS: self._find_logins,
            INTERACTIONS: self._interactions,
            QUARANTINE: self._quarantine,
            LOG: self._recommendations,
        }
        for stage in STAGES[STAGES.index(self._stage) :]:
            self._stage = stage
            if not steps[stage]():
                return
            self._key = ""
        self._stage = ""

    @property
    def token(self) -> str | None:
        """Token of the next page, or None on the last page. Reading the property stores the state of the export."""
        if not self._stage:
            return None
        export_id = self._after.export_id if self._after else None
        export_id = self._states.write(self._partition, export_id, ExportState(self._sessions, self._expires_s))
        return Place(export_id, self._stage, self._key).token

    def _find_sessions(self) -> bool:
        """Collect the sessions with logins of the user. Return true at the end of the stage."""
        is_start = not self._key
        own, ended = self._scan(_INTERACTIONS, {"user_id": [self._user_id]})
        for session in own["session_id"].unique():
            if isinstance(session, str):
                self._sessions.setdefault(session, None)  # If a page is repeated, known logins remain.
        if is_start and ended:
            self._own = own
        return ended

    def _find_logins(self) -> bool:
        """Find the first login of each session among the logins of all users. Return true at the end of the stage."""
        is_start = not self._key
        session_rows, ended = (
            self._scan(_INTERACTIONS, {"session_id": list(self._sessions)})
            if self._sessions
            else (self._data.concatenate([], columns=_INTERACTIONS.columns), True)
        )
        parts = [session_rows] if self._own is None else [self._own, session_rows]
        around = deduplicate(self._data.concatenate(parts, columns=_INTERACTIONS.columns))
        logins = around[around["user_id"].notna() & around["session_id"].isin(list(self._sessions))]
        columns = ["session_id", "event_time_ms", "event_id", "user_id", "received_time_ms"]
        for session, *login in logins[columns].itertuples(index=False, name=None):
            time_ms, event_id, user, received_ms = login
            first_login = FirstLogin(int(time_ms), event_id, user == self._user_id, int(received_ms))
            self._sessions[session] = first_login.earlier(self._sessions[session])
        if is_start and ended and self._own is not None:
            self._around = around
        return ended

    def _interactions(self) -> bool:
        """Collect the user's interactions, and the anonymous interactions of the sessions up to their first logins."""
        if self._around is not None:
            interactions = [_json(row) for row in self._own_rows(self._around)]
            if self._has_room(b",".join(interactions)):
                self.rows["interactions"] = interactions
                return True
            return False
        wanted = {"user_id": [self._user_id]}
        if sessions := list(self._own_logins()):  # An empty list has no Arrow type.
            wanted["session_id"] = sessions
        rows, ended = self._scan(_INTERACTIONS, wanted, select=self._own_rows)
        self.rows["interactions"] = [_json(row) for row in self._own_rows(deduplicate(rows))]
        return ended

    def _own_rows(self, rows: pd.DataFrame) -> Iterator[dict[str, Any]]:
        logins = self._own_logins()
        own = [
            user == self._user_id or (user is None and session in logins and time_ms <= logins[session].event_time_ms)
            for user, session, time_ms in zip(
                *(rows[name].astype(object).where(rows[name].notna(), None) for name in ("user_id", "session_id")),
                rows["event_time_ms"],
                strict=True,
            )
        ]
        return _in_order(rows.loc[own], by=["event_time_ms", "event_id"])

    def _own_logins(self) -> dict[str, FirstLogin]:
        return {session: login for session, login in self._sessions.items() if login is not None and login.is_own}

    def _quarantine(self) -> bool:
        with contextlib.closing(self._data.quarantined(self._user_id, after=self._key)) as objects:
            for key, record in objects:
                rows = [] if record is None else [_json(record)]
                if not self._has_room(b",".join(rows)):
                    return False
                self.rows["quarantine"] += rows
                self._key = key
        return True

    def _recommendations(self) -> bool:
        """Collect the responses to the user, and the anonymous responses to the user's sessions up to the first login.

        The time of a response is compared with the time at which the login was received, because both are server times.
        """
        pseudonyms = self._data.pseudonyms
        ends = {pseudonyms.shopper(session): login.received_ms for session, login in self._own_logins().items()}
        own = pseudonyms.shopper(self._user_id)
        wanted = [own, *ends]

        def theirs(rows: pd.DataFrame) -> Iterator[dict[str, Any]]:
            # A request with a single ID may contain a session ID instead of a user ID. Therefore the user column may
            # contain the hash of a session. A session's hash next to another user's hash does not identify the user.
            is_theirs = [
                own in (shopper, session) or served_ms <= ends.get(shopper or session, -1)
                for served_ms, shopper, session in zip(
                    rows["served_ms"], rows["shopper"].fillna(""), rows["session"].fillna(""), strict=True
                )
            ]
            return _in_order(rows.loc[is_theirs], by=["served_ms", "recommendation_id"])

        rows, ended = self._scan(_SERVED, {"shopper": wanted, "session": wanted}, select=theirs)
        self.rows["recommendations"] = [_json(row) for row in theirs(rows.drop_duplicates("recommendation_id"))]
        return ended

    def _scan(
        self,
        table: _Table,
        values: Mapping[str, Sequence[str]],
        *,
        select: Callable[[pd.DataFrame], Iterator[dict[str, Any]]] = lambda rows: iter(()),
    ) -> tuple[pd.DataFrame, bool]:
        """Return the rows that contain one of the values until the page is full, and true at the end of the table."""
        frames: list[pd.DataFrame] = []
        ended = True
        with contextlib.closing(self._data.objects(table, values, after=self._key)) as objects:
            for key, rows in objects:
                if not self._has_room(b"" if rows is None else b",".join(map(_json, select(rows)))):
                    ended = False
                    break
                if rows is not None:
                    frames.append(rows)
                self._key = key
        return self._data.concatenate(frames, columns=table.columns), ended


def _quarantined(key: str, body: bytes, matcher: UserMatcher) -> dict[str, Any] | None:
    try:
        quarantined = QuarantinedRecord.from_json(body)
    except InvalidInput:
        is_own = matcher.owner(body) is Owner.USER
        return {"key": key, "record": body.decode("utf-8", "replace")} if is_own else None
    data = quarantined.record.data
    if matcher.owner(data, key=quarantined.record.partition_key) is not Owner.USER:
        return None
    return {"key": key, "reason": quarantined.reason, "record": data.decode("utf-8", "replace")}


def _in_order(rows: pd.DataFrame, *, by: list[str]) -> Iterator[dict[str, Any]]:
    for row in rows.sort_values(by).to_dict("records"):
        yield {str(name): _plain(value) for name, value in row.items()}


def _json(value: Any) -> bytes:
    return orjson.dumps(value)


def _plain(value: Any) -> Any:
    """Return a cell of a frame as JSON types. Arrays become lists, and missing values become null."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list):
        return [_plain(element) for element in value]
    return None if value is None or value != value or repr(value) in ("<NA>", "NaT") else value
