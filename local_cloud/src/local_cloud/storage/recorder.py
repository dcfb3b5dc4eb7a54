"""Recording of changes of moto's stores in a journal before the response, and restoration at the next start."""

import contextlib
import functools
import hashlib
import importlib.metadata
import itertools
import pickle
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from moto.awslambda.models import lambda_backends
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import StreamRecord as TableRecord
from moto.kinesis.models import Record, kinesis_backends
from moto.s3.models import s3_backends

from local_cloud.alarms.series import Series, Values
from local_cloud.metric_store import MetricStore
from local_cloud.storage.collections import collections_of
from local_cloud.storage.journal import MOTO, DataError, Journal, UnreadableDataError
from local_cloud.storage.moto_objects import missing_attributes
from local_cloud.storage.objects import Objects, release

_DAY_S: Final = 86_400
_READS: Final = ("Describe", "Get", "List", "Query", "Scan", "Search", "BatchGet")
_UNSIGNED: Final = {"AWSCognitoIdentityProviderService": "cognito-idp"}
"""Services by the target of requests that have no signature, such as SignUp."""
_EXPIRED: Final[Mapping[str, Any]] = {}
"""Replacement of an expired record."""
_DIGITS: Final = 30
_AFTER_ALL: Final = "~"
"""Text that sorts after all numbers."""


class _Notes(threading.local):
    """Objects and services that the request of a thread has changed."""

    def __init__(self) -> None:
        self.objects: set[tuple[str, str]] = set()
        self.services: set[str] = set()


class Recorder:
    """Recorder, which writes changes to a journal after the call of `start`. Without a journal, nothing is stored.

    Changes of DynamoDB items, stream records and metrics are written immediately. Changes of S3 objects and of all
    other resources (`local_cloud.storage.collections`) are noted for the thread that makes them, and written at the end
    of its request.
    """

    def __init__(
        self, journal: Journal | None, *, region: str, account: str, report: Callable[[str], None] = lambda _: None
    ) -> None:
        self._journal = journal
        self._region = region
        self._account = account
        self._report = report
        self._started = False
        self._closed = False
        self._notes = _Notes()
        self._newest: dict[str, int] = {}
        self._stored_positions: dict[tuple[str, str], int] = {}
        self._positions: dict[tuple[str, str], int] = {}
        self._known: dict[str, dict[str, bytes]] = {}
        self._finals: set[tuple[str, str]] = set()
        self._numbers = itertools.count()
        self.metrics = MetricStore(self._metric_period)
        if journal:
            self._objects = Objects(s3_backends[account]["aws"], journal)
            self._collections = collections_of(region=region, account=account)
            self._known = {collection.name: {} for collection in self._collections}

    @property
    def journal(self) -> Journal | None:
        """Journal, or None before `start`, after `close`, and if no data is stored."""
        return self._journal if self._started else None

    @property
    def largest_object(self) -> int:
        return self._journal.largest_value if self._journal else sys.maxsize

    # Changes

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Keep all changes that the `with` block records in one transaction. The block does not commit them."""
        with self._journal.locked() if self._journal else contextlib.nullcontext():
            yield

    def items(self, table: Any, keys: Iterable[tuple[Any, Any]]) -> None:
        """Record writes and deletions of items by hash and range key, and the new records of the table's stream."""
        if self.journal:
            with self.together():
                stored = {key: table.get_item(*key) for key in keys}
                self.attributes(table, {key: item and item.to_json()["Attributes"] for key, item in stored.items()})

    def attributes(self, table: Any, items: Mapping[tuple[Any, Any], Mapping[str, Any] | None]) -> None:
        """Record the attributes of items by hash and range key. They are None for deleted items; see `items`."""
        if journal := self.journal:
            with journal.locked():
                for keys, attributes in items.items():
                    name = _item_name(*keys)
                    if attributes is None:
                        journal.delete("item", table.name, name)
                    else:
                        journal.put("item", table.name, name, pickle.dumps(attributes, protocol=5))
                if table.stream_shard is not None:
                    self._write_new_records(journal, table)

    def _write_new_records(self, journal: Journal, table: Any) -> None:
        shard, place = table.stream_shard, f"dynamodb/{table.name}"
        first = shard.starting_sequence_number
        written = max(self._newest.get(place, 0), first)
        self._put_records(journal, place, [stored.record for stored in shard.items[written - first :]], first=written)
        self._newest[place] = first + len(shard.items)

    def _put_records(self, journal: Journal, place: str, records: Sequence[Mapping[str, Any]], *, first: int) -> None:
        """Write records as one entry, which remains until the last record is processed."""
        if records:
            number = first + len(records) - 1
            journal.put("record", place, _ordered(number), pickle.dumps(records, protocol=5))

    def emptied(self, table: Any) -> None:
        if journal := self.journal:
            for item in table.all_items():
                journal.delete("item", table.name, _item_name(item.hash_key, item.range_key))
            self._forget_records(f"dynamodb/{table.name}")

    def stream_deleted(self, stream: Any) -> None:
        for shard_id in stream.shards:
            self._forget_records(f"kinesis/{stream.stream_name}/{shard_id}")

    def _forget_records(self, place: str) -> None:
        if journal := self.journal:
            self._newest.pop(place, None)
            journal.trim_records(place, _AFTER_ALL)
            for shard, mapping in self._positions:
                if shard == place:
                    journal.delete("position", place, mapping)

    def stream_record(self, stream: Any, shard_id: str, sequence_number: str) -> None:
        if journal := self.journal:
            number = int(sequence_number)
            record = vars(stream.shards[shard_id].records[number])
            self._put_records(journal, f"kinesis/{stream.stream_name}/{shard_id}", [record], first=number)

    def _metric_period(self, series: Series, start_s: int, values: Values | None) -> None:
        if journal := self.journal:
            place = orjson.dumps([series.namespace, series.name, sorted(series.dimensions)]).decode()
            if values is None:
                journal.delete("metric", place, _ordered(start_s))
            else:
                journal.put("metric", place, _ordered(start_s), pickle.dumps(values, protocol=5))

    def put_metrics(self, namespace: str, data: Iterable[Mapping[str, Any]]) -> None:
        """Store metrics that do not come from a request, in the format of PutMetricData."""
        self.metrics.put(namespace, data)
        self._commit_in_background()

    def object(self, bucket: str, key: str) -> None:
        """Note that the request of this thread changes an object."""
        if self.journal:
            self._notes.objects.add((bucket, key))

    def content(self, version: Any) -> bytes:
        return self._objects.content(version)

    def service(self, name: str) -> None:
        """Note that the request of this thread may change a small collection of a service."""
        if self.journal:
            self._notes.services.add(name)

    def request(self, environ: Mapping[str, Any]) -> None:
        """Write the changes of a request before its response is sent."""
        if self._closed:
            raise DataError("the embedded cloud has stopped")
        if self.journal:
            credential = environ.get("HTTP_AUTHORIZATION", "").partition("Credential=")[2].split("/")
            target, _, action = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")
            service = credential[3] if len(credential) > 3 else _UNSIGNED.get(target)
            if service and not action.startswith(_READS):
                self.service(service)
            self.commit()

    def changed(self, service: str) -> None:
        """Write changes of a service that no request made."""
        self.service(service)
        self._commit_in_background()

    def commit(self) -> None:
        """Write the noted changes of this thread, and all previous writes."""
        if not (journal := self.journal):
            return
        stored = []
        while self._notes.objects:
            stored += self._objects.write(*self._notes.objects.pop())
        while self._notes.services:
            self._compare(self._notes.services.pop())
        journal.commit()
        for version in stored:
            release(version)

    def _commit_in_background(self) -> None:
        """Commit. Changes that cannot be stored now will be stored with the next commit."""
        try:
            self.commit()
        except DataError as error:
            if not self._closed:
                self._report(str(error))

    def keep(self, kind: str, work: Any) -> Callable[[], None]:
        """Record accepted work that is done later. Return a function that records its completion."""
        if not (journal := self.journal):
            return lambda: None
        name = f"{_ordered(time.time_ns())}-{next(self._numbers)}"
        journal.put("work", kind, name, pickle.dumps(work, protocol=5))

        def done() -> None:
            if journal := self.journal:
                journal.delete("work", kind, name)
                self._commit_in_background()

        return done

    def left_work(self, kind: str) -> list[tuple[Any, Callable[[], None]]]:
        """Return the work of a kind that the previous process left unfinished, each with a function that records its
        completion.
        """
        if not (journal := self._journal):
            return []
        return [
            (pickle.loads(data), functools.partial(journal.delete, "work", kind, name))  # noqa: S301
            for place, name, data in list(journal.read("work"))
            if place == kind
        ]

    # Positions in streams

    def position(self, place: str, mapping: str, default: int) -> int:
        """Register a mapping of a shard, so that the records from its position on are kept.

        Return the number of the first unprocessed record. This is the stored position, otherwise `default`.
        """
        number = self._positions[place, mapping] = self._stored_positions.get((place, mapping), default)
        if self._journal:
            self._journal.put("position", place, mapping, str(number).encode())
        return number

    def advance(self, place: str, mapping: str, next_number: int) -> int:
        """Record the position of a mapping in a shard, and delete records that all mappings have processed.

        Return the number of the first record that at least one mapping has not processed.
        """
        self._positions[place, mapping] = next_number
        slowest = min(number for (shard, _), number in list(self._positions.items()) if shard == place)
        if journal := self.journal:
            journal.put("position", place, mapping, str(next_number).encode())
            # The newest record remains, so that numbers continue after it.
            journal.trim_records(place, _ordered(slowest - 1))
            self._commit_in_background()
        return slowest

    def expire_records(self, now_s: float) -> None:
        """Delete stream records that are at least a day old and that no mapping waits for.

        If the newest records of a shard expire, an empty record replaces them, so that numbers continue after it.
        """
        slowest: dict[str, int] = {}
        for (place, _), number in list(self._positions.items()):
            slowest[place] = min(number, slowest.get(place, number))
        for place, shard, arrivals in self._shards():
            if place not in slowest and arrivals:
                recent = [number for number, arrival_s in arrivals if now_s - arrival_s < _DAY_S]
                shard.forget_records(min(recent, default=arrivals[-1][0] + 1))
        if not (journal := self.journal):
            return
        for place, entries in itertools.groupby(list(journal.read("record")), key=lambda entry: entry[0]):
            rows = [(last, pickle.loads(data)) for _, last, data in entries]  # noqa: S301  written by this program
            for last, records in rows:
                is_old = all(record == _EXPIRED or now_s - _arrival_s(record) >= _DAY_S for record in records)
                if is_old and int(last) < slowest.get(place, int(last) + 1):
                    if last == rows[-1][0]:
                        self._put_records(journal, place, [_EXPIRED], first=int(last))
                    else:
                        journal.delete("record", place, last)

    def _shards(self) -> Iterator[tuple[str, Any, list[tuple[int, float]]]]:
        """Yield the place and the object of each shard, and the number and arrival of its records in memory."""
        for stream in list(kinesis_backends[self._account][self._region].streams.values()):
            for shard in stream.shards.values():
                arrivals = [(number, record.created_at) for number, record in list(shard.records.items())]
                yield f"kinesis/{stream.stream_name}/{shard.shard_id}", shard, arrivals
        for table in list(dynamodb_backends[self._account][self._region].tables.values()):
            if (stored := table.stream_shard) is not None:
                numbered = enumerate(list(stored.items), stored.starting_sequence_number)
                arrivals = [(number, _arrival_s(item.record)) for number, item in numbered if item is not None]
                yield f"dynamodb/{table.name}", stored, arrivals

    def erase_traces(self) -> None:
        if journal := self.journal:
            journal.commit()
            journal.erase_traces()

    # Start

    def restore(self) -> None:
        """Restore the data of the journal in the resources that the template has created."""
        if not (journal := self._journal):
            return
        present, stored = importlib.metadata.version("moto"), journal.fact(MOTO)
        check = functools.partial(_check_attributes, stored, present)
        mappings = lambda_backends[self._account][self._region]
        for place, mapping, data in list(journal.read("position")):
            if mappings.get_event_source_mapping(mapping):
                self._stored_positions[place, mapping] = int(data)
            else:  # no longer in the template
                journal.delete("position", place, mapping)
        self._restore_items(journal)
        self._restore_records(journal)
        self._objects.restore(check)
        for place, start_s, data in journal.read("metric"):
            namespace, name, dimensions = orjson.loads(place)
            series = Series(namespace, name, frozenset(map(tuple, dimensions)))
            self.metrics.restore(series, int(start_s), pickle.loads(data))  # noqa: S301  written by this program
        by_name = {collection.name: collection for collection in self._collections}
        for place, name, data in list(journal.read("entry")):
            if collection := by_name.get(place):
                try:
                    value = collection.read(data)
                except (AttributeError, ImportError) as error:
                    raise UnreadableDataError(f"the data of {collection.name} cannot be read: {error}") from error
                check(value)
                collection.restore(name, value)
                self._known[place][name] = _digest(data)
        journal.set_fact(MOTO, present)

    def start(self) -> None:
        if not self._journal:
            return
        for collection in self._collections:
            stored = self._known[collection.name]
            self._known[collection.name] = {
                name: stored.get(name) or _digest(collection.write(value))
                for name, value in collection.entries()
                if name in stored or not collection.is_random
            }
        self._started = True
        self._journal.commit()
        # Store the template's randomly generated objects, and executions and jobs that were restored as failed.
        for service in {collection.service for collection in self._collections}:
            self._compare(service)
        self._journal.commit()

    def close(self) -> None:
        if self._journal:
            self._commit_in_background()
            self._closed, self._started = True, False
            try:
                self._journal.close()
            except DataError as error:
                self._report(str(error))

    def _restore_items(self, journal: Journal) -> None:
        tables = dynamodb_backends[self._account][self._region].tables
        for place, name, data in journal.read("item"):
            if (table := tables.get(place)) is None:
                continue
            attributes = pickle.loads(data)  # noqa: S301  written by this program
            keys = [DynamoType(attributes[key]) for key in table.table_key_attrs if key in attributes]
            hash_key, range_key = (*keys, None, None)[:2]
            if hash_key is None or _item_name(hash_key, range_key) != name:
                raise DataError(
                    f"table {place} has the key {', '.join(table.table_key_attrs)} in the template, but its stored"
                    " items have another one. Restore the key in the template, or delete the data"
                )
            if range_key is None:
                table.items[hash_key] = Item(hash_key, None, attributes)  # type: ignore[assignment]
            else:
                table.items[hash_key][range_key] = Item(hash_key, range_key, attributes)

    def _restore_records(self, journal: Journal) -> None:
        polled = {place for place, _ in self._stored_positions}
        tables = dynamodb_backends[self._account][self._region].tables
        streams = kinesis_backends[self._account][self._region].streams
        for place, entries in itertools.groupby(list(journal.read("record")), key=lambda entry: entry[0]):
            service, name, *rest = place.split("/")
            records = [
                (number, record)
                for _, last, data in entries
                for number, record in _numbered(pickle.loads(data), last=int(last))  # noqa: S301
            ]
            newest = records[-1][0]
            records = [(number, record) for number, record in records if record != _EXPIRED]
            if place not in polled:
                recent = [number for number, record in records if time.time() - _arrival_s(record) < _DAY_S]
                oldest = min(recent, default=newest)  # The newest record remains, so that numbers continue after it.
                journal.trim_records(place, _ordered(oldest))
                records = [(number, record) for number, record in records if number >= oldest]
            if service == "dynamodb" and name in tables and (shard := tables[name].stream_shard) is not None:
                shard.starting_sequence_number = records[0][0] if records else newest + 1
                shard.items = [_table_record(record) for _, record in records]
                self._newest[place] = newest + 1
            elif service == "kinesis":
                stream = next((stream for stream in streams.values() if stream.stream_name == name), None)
                if stream is not None and rest[0] in stream.shards:
                    kinesis_shard: Any = stream.shards[rest[0]]
                    kinesis_shard.records.update({number: _record(state) for number, state in records})
                    if not records:
                        kinesis_shard.last_number = newest

    def _compare(self, service: str) -> None:
        """Write the entries of a service's collections that differ from the entries written last."""
        journal = self.journal
        collections = [collection for collection in self._collections if collection.service == service]
        if not (journal and collections):
            return
        with journal.locked():
            for collection in collections:
                known, present = self._known[collection.name], set()
                for name, value in collection.entries():
                    present.add(name)
                    if (collection.name, name) in self._finals:
                        continue
                    if collection.is_final(value):
                        self._finals.add((collection.name, name))
                    data = collection.write(value)
                    if known.get(name) != (digest := _digest(data)):
                        known[name] = digest
                        journal.put("entry", collection.name, name, data)
                for name in known.keys() - present:
                    del known[name]
                    self._finals.discard((collection.name, name))
                    journal.delete("entry", collection.name, name)


def _check_attributes(stored: str | None, present: str, value: Any) -> None:
    for cls, name in missing_attributes(value) if stored != present else ():
        raise UnreadableDataError(
            f"the data of moto {stored or '(unknown version)'} has a {cls.__name__} without {name!r}, expected this"
            f" attribute by moto {present}. Install the earlier version of moto, or delete the data"
        )


def _item_name(hash_key: Any, range_key: Any) -> str:
    keys = (hash_key,) if range_key is None else (hash_key, range_key)
    return "".join(f"{key.type}{len(str(key.value))}:{key.value}" for key in keys)


def _numbered(records: Sequence[Any], *, last: int) -> Iterator[tuple[int, Any]]:
    return enumerate(records, last - len(records) + 1)


def _ordered(number: int) -> str:
    """Return a text of a number. Texts sort in the order of the numbers."""
    return f"{number:0{_DIGITS}d}"


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()


def _arrival_s(record: Mapping[str, Any]) -> float:
    """Return the arrival of a Kinesis or DynamoDB stream record in epoch seconds."""
    if "dynamodb" in record:
        arrived: datetime = record["dynamodb"]["ApproximateCreationDateTime"]
        return arrived.replace(tzinfo=UTC).timestamp()
    return float(record["created_at"])


def _table_record(record: Mapping[str, Any]) -> Any:
    stored: Any = TableRecord.__new__(TableRecord)
    stored.record = dict(record)
    return stored


def _record(state: Mapping[str, Any]) -> Any:
    stored = Record.__new__(Record)
    vars(stored).update(state)
    return stored
