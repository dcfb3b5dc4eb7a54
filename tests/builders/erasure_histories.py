"""Random histories of a shop, with and without the erasure of one user."""

from __future__ import annotations

import dataclasses
import functools
import json
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from alsolike.configuration.configuration import DEFAULT
from alsolike.events.action_events import action_properties
from alsolike.events.interactions import ACTION_TAKEN, Interaction, profile_id
from alsolike.events.logins import Login
from alsolike.events.stream_records import StreamRecord
from alsolike.lake.quarantine import QuarantinedRecord
from alsolike.privacy.tombstones import TombstoneReader
from alsolike.profiles.user_export import UserData, UserDataStores
from alsolike.records.served_response import ServedResponse
from alsolike.runtime.polling import Polling
from functions.archive_events.service import archive as archive_events
from functions.archive_served.service import Delivery, LogEvent
from functions.archive_served.service import archive as archive_served
from functions.build_dataset.cleaning import CleanInteractions, clean, erased_profiles
from functions.build_dataset.lake_reader import read_lake
from functions.compact_lake.service import ErasedUsers
from functions.update_profiles.service import update_profiles
from tests.builders.configurations import Applied
from tests.builders.lakes import keep_up
from tests.builders.lambda_events import NOW_MS, interaction, sequence
from tests.builders.parquet import parquet_of
from tests.builders.served_rows import served
from tests.builders.stores import PLACES, PSEUDONYMS, Stores, failed_batch

USERS = ("ann-user", "bob-user", "cid-user")
ERASED = USERS[0]
SECOND_MS = 1_000
JOBS = ("compaction", "training", "import", "replay")
REPLAY_LATER_MS = 900_000
"""Time in milliseconds after which the rejected records are no longer in the future."""
# The last skew exceeds `limits.clock_skew_s`, so the event is rejected.
_SKEWS_MS = (-4_000, -999, 0, 0, 3_000, 600_000)


@dataclasses.dataclass(frozen=True)
class Sent:
    """Event or response, with the seconds in which consumers receive it.

    Attributes
    ----------
    event, response
        Exactly one of both is not None.
    profiles_s, lake_s
        Seconds in which `update_profiles` and `archive_events` receive the event. `archive_served` receives a response
        in the second `lake_s`. A duplicate is another `Sent` with later seconds.
    """

    at_s: int
    profiles_s: int
    lake_s: int
    event: Interaction | None = None
    response: ServedResponse | None = None
    in_failed_batch: bool = False


@dataclasses.dataclass(frozen=True)
class History:
    """Events and responses of a shop, the time of an erasure, and a job that runs concurrently."""

    seed: int
    sent: tuple[Sent, ...]
    erased_s: int
    job: str
    job_s: int
    units_per_s: int = 1

    def owned_sessions(self) -> set[str]:
        """Return the sessions in which the erased user logged in first.

        Logins of other users count only if they were accepted. Rejected logins of the erased user also count, unless no
        store contains them.
        """
        first: dict[str, Login] = {}
        for each in self.sent:
            event = each.event
            if event is None or event.user_id is None or event.session_id is None:
                continue
            if event.user_id != ERASED and (_is_refused(event) or each.in_failed_batch):
                continue
            # update_profiles skipped the rejected login before the tombstone, and the archive dropped it afterwards. So
            # no store contains the login.
            if _is_refused(event) and each.profiles_s <= self.erased_s < each.lake_s:
                continue
            login = Login(event.event_time_ms, event.event_id, event.user_id)
            first[event.session_id] = min(login, first.get(event.session_id, login))
        return {session for session, login in first.items() if login.user_id == ERASED}

    def sessions_of_one_user(self) -> set[str]:
        """Return the sessions to which at most one user logged in."""
        users: dict[str, set[str | None]] = {}
        for each in self.sent:
            if each.event is not None and each.event.session_id is not None:
                users.setdefault(each.event.session_id, {None}).add(each.event.user_id)
        return {session for session, found in users.items() if len(found) <= 2}

    def traces(self) -> set[str]:
        """Return the ID and hash of the erased user, and the IDs of the user's events and of responses to the user."""
        sessions = self.owned_sessions()
        hashes = {PSEUDONYMS.shopper(session) for session in sessions}
        found = {ERASED, PSEUDONYMS.shopper(ERASED)}
        for each in self.sent:
            if (event := each.event) is not None:
                if event.user_id == ERASED or (event.user_id is None and event.session_id in sessions):
                    found.add(event.event_id)
            elif (row := each.response) is not None and (
                row.shopper == PSEUDONYMS.shopper(ERASED) or (row.shopper or row.session) in hashes
            ):
                found.add(row.recommendation_id)
        return found


def history(seed: int) -> History:
    dice = random.Random(seed)
    sent: list[Sent] = []
    for number in range(dice.randint(2, 5)):
        _add_visit(sent, dice, session=f"visit-{seed}-{number}")
    last_s = max(each.at_s for each in sent)
    logins_s = [each.at_s for each in sent if each.event and each.event.user_id == ERASED]
    # If the user logs in, about half of the erasures are requested in the second of a login. The login reaches the
    # stores in this second or later.
    erased_s = dice.choice(logins_s) if logins_s and dice.random() < 0.5 else dice.randint(1, last_s)
    # After the request for the erasure, the user's device sends no more events, but earlier records may still arrive.
    kept = [each for each in sent if each.at_s <= erased_s or not _names(each, ERASED)]
    return History(seed, tuple(kept), erased_s, dice.choice(JOBS), dice.randint(0, erased_s + 3))


def _add_visit(sent: list[Sent], dice: random.Random, *, session: str) -> None:
    users = dice.sample(USERS, dice.choice((0, 1, 1, 1, 2)))
    skew_ms = dice.choice(_SKEWS_MS)
    # Logins of several users come from the visitor's device, so they have its clock. A single login comes from the
    # backend, which has another clock.
    login_skew_ms = dice.choice(_SKEWS_MS) if len(users) == 1 else skew_ms
    at_s = dice.randint(1, 10)

    def send(user: str | None, skew: int) -> None:
        nonlocal at_s
        at_s += dice.randint(1, 3)
        event = interaction(
            f"event-{session}-{at_s}",
            user_id=user,
            session_id=session,
            item_id=f"item-{dice.randint(1, 9)}",
            event_time_ms=NOW_MS + at_s * SECOND_MS + skew,
            received_time_ms=NOW_MS + at_s * SECOND_MS,
        )
        if at_s % 4 == 0:
            shown = action_properties("app", ["app", "mail"])
            event = dataclasses.replace(event, item_id=None, event_type=ACTION_TAKEN, properties=shown)
        late_s = 0 if user else dice.choice((0, 0, 7))
        in_failed_batch = user is None and dice.random() < 0.1
        for _ in range(dice.choice((1, 1, 2))):
            lags = (late_s + dice.choice((0, 0, 1)), late_s + dice.choice((0, 2, 4)))
            sent.append(Sent(at_s, at_s + lags[0], at_s + lags[1], event=event, in_failed_batch=in_failed_batch))
            late_s += 0 if user else dice.randint(1, 5)

    def respond(user: str | None) -> None:
        shopper = None if user is None else PSEUDONYMS.shopper(user)
        by_one_id = user is None and dice.random() < 0.3
        hashed = PSEUDONYMS.shopper(session)
        row = served(
            served_ms=NOW_MS + at_s * SECOND_MS + 500,
            shopper=hashed if by_one_id else shopper,
            session=None if by_one_id else hashed,
            arms=[f"trial/{dice.choice('ab')}"],
        )
        sent.append(Sent(at_s, at_s, at_s + dice.choice((0, 3)), response=row))

    for user in (None, *users):
        if user is not None:
            send(user, login_skew_ms)
        for _ in range(dice.randint(0, 3)):
            send(dice.choice((None, user)), skew_ms)
            if dice.random() < 0.6:
                respond(user)


def _names(each: Sent, user: str) -> bool:
    if each.event is not None:
        return each.event.user_id == user
    return each.response is not None and each.response.shopper == PSEUDONYMS.shopper(user)


def _is_refused(event: Interaction) -> bool:
    return event.event_time_ms > event.received_time_ms + DEFAULT.limits.clock_skew_s * 1_000


class Shop:
    def __init__(self, stores: Stores, story: History) -> None:
        self.stores, self.story = stores, story
        for user in USERS:
            stores.put_user(user)
        self._readers = [
            TombstoneReader(stores.s3, PLACES.artefact_bucket, lambda: PSEUDONYMS, polling=Polling(1)) for _ in range(3)
        ]
        self._job: Callable[[], object] | None = None
        self._erasure: str | None = None
        self._next_pass_s = 0

    def run(self, *, erases: bool) -> None:
        """Simulate the history second by second, with the erasure until its end if `erases` is true."""
        last_s = max(max(each.profiles_s, each.lake_s) for each in self.story.sent)
        settled_s = max(self.story.erased_s, self.story.job_s) + 6
        for now_s in range(max(last_s, settled_s) + 1):
            if now_s == self.story.job_s:
                self._job = self._begin_job(now_s)
            self._deliver(now_s)
            if erases and now_s == self.story.erased_s:
                self._erasure = self.stores.request_erasure(ERASED, now_ms=_ms(now_s))
            if now_s == settled_s and self._job:
                self._job()
            if now_s >= settled_s and self._erasure:
                self._purge(now_s)
        while self._erasure:
            now_s += 1
            self._purge(now_s)

    def _purge(self, now_s: int) -> None:
        """Process up to `units_per_s` units of the purge, and end the purge after the last late record.

        A pause of two seconds follows each pass, so that all processes read the tombstones.
        """
        assert self._erasure is not None
        outcome = "more"
        for _ in range(self.story.units_per_s if now_s >= self._next_pass_s else 0):
            outcome = self.stores.step(self._erasure, remaining_ms=lambda: 0, now_ms=_ms(now_s))
            if outcome != "more":
                self._next_pass_s = now_s + 2
                break
        if outcome == "done" and now_s >= max(max(each.profiles_s, each.lake_s) for each in self.story.sent):
            self._erasure = None

    def _deliver(self, now_s: int) -> None:
        sent = list(enumerate(self.story.sent))
        events = [(number, each) for number, each in sent if each.event is not None]
        to_lake = [_record(n, each) for n, each in events if each.lake_s == now_s and not each.in_failed_batch]
        to_profiles = [_record(n, each) for n, each in events if each.profiles_s == now_s]
        self._consume(to_lake, to_profiles, now_ms=_ms(now_s))
        for number, each in sent:
            if each.in_failed_batch and each.lake_s == now_s:
                self._give_up(number, each, now_s=now_s)
            if each.response and each.lake_s == now_s:
                line = LogEvent(f"{number:056d}", _ms(now_s), each.response.to_line())
                stones = self._readers[2].current(now_ms=_ms(now_s))
                delivery = Delivery("group", "stream", [line])
                archive_served(delivery, client=self.stores.s3, bucket=PLACES.lake_bucket, erased=stones)

    def _give_up(self, number: int, each: Sent, *, now_s: int) -> None:
        """Let a consumer fail on an event, unless the consumer would drop the event because of the tombstone."""
        assert each.event is not None
        if not self._readers[0].erased(None, each.event.session_id, now_ms=_ms(now_s)):
            self.stores.put(f"aws/lambda/m/shard/{number}", failed_batch(each.event))

    def _begin_job(self, now_s: int) -> Callable[[], object]:
        """Return a function that finishes the job. Jobs other than compaction read the stores or the tombstones now."""
        if self.story.job == "compaction":
            tombstones = ErasedUsers(self.stores.s3, PLACES.artefact_bucket, lambda: PSEUDONYMS)
            return lambda: keep_up(self.stores.s3, PLACES.lake_bucket, later_ms=7_200_000, erased=tombstones)
        if self.story.job == "replay":
            return functools.partial(self._replay, dict(self._replayable()))
        reader = TombstoneReader(self.stores.s3, PLACES.artefact_bucket, lambda: PSEUDONYMS)
        erased = functools.partial(reader.erased, now_ms=0)
        if self.story.job == "import":
            kept = [interaction(f"import-{user}", user_id=user, session_id=None) for user in USERS if not erased(user)]
            return functools.partial(self.stores.put_rows, "import", *kept)
        rows, _ = read_lake(self.stores.s3, PLACES.lake_bucket)
        cleaned = clean(rows, DEFAULT, erased=erased)
        return lambda: self._write_dataset(cleaned, reader)

    def _replayable(self) -> Iterator[tuple[str, StreamRecord]]:
        """Yield quarantined records of sessions with one user.

        Replaying another user's login would change the session's owner.
        """
        sessions = self.story.sessions_of_one_user()
        for key in self.stores.keys("quarantine/"):
            record = QuarantinedRecord.from_json(self.stores.body(key)).record
            if json.loads(record.data)["session_id"] in sessions:
                yield key, record

    def _replay(self, held: dict[str, StreamRecord]) -> None:
        """Put records on the stream again and delete their objects, as `alsolike quarantine replay` does."""
        now_ms = NOW_MS + REPLAY_LATER_MS
        for number, record in enumerate(held.values()):
            again = record._replace(sequence=sequence(100_000 + number), arrived_ms=now_ms)
            self._consume([again], [again], now_ms=now_ms)
        for key in held:
            self.stores.s3.delete_object(Bucket=PLACES.lake_bucket, Key=key)

    def _consume(self, to_lake: Sequence[StreamRecord], to_profiles: Sequence[StreamRecord], *, now_ms: int) -> None:
        common: dict[str, Any] = {"configurations": Applied(), "now_ms": now_ms}
        if to_lake:
            erased = functools.partial(self._readers[0].erased, now_ms=now_ms)
            archive_events(to_lake, client=self.stores.s3, bucket=PLACES.lake_bucket, erased=erased, **common)
        if to_profiles:
            erased = functools.partial(self._readers[1].erased, now_ms=now_ms)
            marks = self._readers[1].erasure_of
            update_profiles(to_profiles, store=self.stores.profiles, erased=erased, erasure_of=marks, **common)

    def _write_dataset(self, cleaned: CleanInteractions, reader: TombstoneReader) -> None:
        reader.refresh(now_ms=0)
        frame, actions = cleaned.frame, cleaned.actions
        profiles = pd.concat([frame["profile_id"], actions["profile_id"]])
        if not frame.empty and not erased_profiles(profiles, functools.partial(reader.erased, now_ms=0)):
            for name, rows in (("interactions", frame), ("action_interactions", actions)):
                key = f"datasets/20260921t000000-aaaaaa/{name}.parquet"
                table = pa.Table.from_pandas(rows, preserve_index=False)
                self.stores.put(key, parquet_of(table), bucket=PLACES.artefact_bucket)

    def export(self, user: str) -> dict[str, Any]:
        places = UserDataStores(PLACES.lake_bucket, PLACES.artefact_bucket, PLACES.profiles_table, PLACES.users_table)
        data = UserData(self.stores.s3, self.stores.dynamodb, places, PSEUDONYMS, pd, pq)
        document: dict[str, Any] = json.loads(b"".join(data.document(user)))
        return document

    def left(self) -> dict[str, list[str]]:
        """Return the traces of the erased user, with the objects and rows that contain them.

        Tombstones and receipts may contain the user's keyed hash, because receipts restore lost tombstones.
        """
        traces = self.story.traces()
        found = {trace: self.stores.holding(trace) for trace in traces}
        keys = {profile_id(user_id=None, session_id=session) for session in self.story.owned_sessions()}
        for key in keys:
            held = [place for place in self.stores.holding(key) if "/datasets/" in place]
            found[key] = held
        shopper, receipts = PSEUDONYMS.shopper(ERASED), f"{PLACES.artefact_bucket}/privacy/receipts/"
        found[shopper] = [place for place in found[shopper] if not place.startswith(receipts)]
        stones = f"{PLACES.artefact_bucket}/privacy/tombstones.json"
        return {trace: rest for trace, places in found.items() if (rest := [p for p in places if p != stones])}


def _record(number: int, each: Sent) -> StreamRecord:
    assert each.event is not None
    return StreamRecord(
        "events", "shard", sequence(number), _ms(each.at_s), each.event.to_record(), each.event.profile_id
    )


def _ms(second: int) -> int:
    return NOW_MS + second * SECOND_MS
