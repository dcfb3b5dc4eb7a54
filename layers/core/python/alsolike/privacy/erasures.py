"""Stored documents of an erasure: the request, which is deleted at the end, and the receipt, which remains.

Only the request contains the user ID. The workflow receives the erasure ID instead, so that Step Functions and logs
store no user ID. The erasure ID is a prefix of the user's keyed hash, so repeated requests for a user have the same
erasure ID.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any, Literal

import orjson

from alsolike.declarations.storage import ERASURE_RECEIPTS_PREFIX, PENDING_ERASURES_PREFIX
from alsolike.privacy.pseudonyms import Pseudonyms
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.errors import InvalidInput, NotFound
from alsolike.runtime.s3 import S3Object

FORMAT_VERSION = 1
ID_DIGITS = 32


def erasure_id(pseudonyms: Pseudonyms, user_id: str) -> str:
    return pseudonyms.erased_user(user_id)[:ID_DIGITS]


def pending_key(erasure: str) -> str:
    return f"{PENDING_ERASURES_PREFIX}{erasure}.json"


def receipt_key(erasure: str) -> str:
    return f"{ERASURE_RECEIPTS_PREFIX}{erasure}.json"


def erasure_of_receipt(key: str) -> str:
    return key.removeprefix(ERASURE_RECEIPTS_PREFIX).removesuffix(".json")


@dataclasses.dataclass(frozen=True, slots=True)
class Purged:
    """Data that an erasure removed from one store.

    Attributes
    ----------
    objects
        Number of objects or table rows that were rewritten or deleted.
    records
        Number of the user's records in these objects.
    """

    store: str
    what: str
    objects: int
    records: int
    at_ms: int


@dataclasses.dataclass(frozen=True, slots=True)
class Expiring:
    """Remaining copy of the data that expires automatically, at the latest on the date `by` (ISO 8601)."""

    store: str
    what: str
    by: str


@dataclasses.dataclass(frozen=True, slots=True)
class TrainedModel:
    """Model that was, or may have been, trained with data of the user.

    Attributes
    ----------
    trained_with_user
        "yes" if its dataset contained the user, "unknown" if the dataset has expired.
    replaced_by
        Date (ISO 8601) by which the schedule trains a model without the user; None if no schedule is set.
    """

    version: str
    is_champion: bool
    trained_with_user: Literal["yes", "unknown"]
    replaced_by: str | None


@dataclasses.dataclass(frozen=True, slots=True)
class ErasureReceipt:
    """Receipt of an erasure.

    Attributes
    ----------
    user_hash
        Keyed hash of the user ID. The owner of the hash key can compare it with the hash of a known ID.
    further_hashes, session_hashes
        Further hashes of the user, and hashes of the user's sessions, that have tombstones. Absent in receipts of
        earlier versions.
    runs
        Number of times that the workflow was started. The latest execution is named `<erasure ID>-<runs>`.
    completed_at_ms
        Time in epoch milliseconds at which a search of all stores found no more data; None while the erasure runs.
    """

    erasure_id: str
    user_hash: str
    requested_at_ms: int
    runs: int = 0
    completed_at_ms: int | None = None
    purged: tuple[Purged, ...] = ()
    expiring: tuple[Expiring, ...] = ()
    models: tuple[TrainedModel, ...] = ()
    further_hashes: tuple[str, ...] = ()
    session_hashes: tuple[str, ...] = ()
    format_version: int = FORMAT_VERSION

    @property
    def status(self) -> Literal["running", "complete"]:
        return "running" if self.completed_at_ms is None else "complete"

    def document(self) -> dict[str, Any]:
        return {"status": self.status, **dataclasses.asdict(self)}

    def to_json(self) -> bytes:
        return orjson.dumps(self.document(), option=orjson.OPT_INDENT_2)

    @classmethod
    def from_json(cls, data: bytes) -> ErasureReceipt:
        try:
            fields = orjson.loads(data)
            del fields["status"]
            if fields["format_version"] != FORMAT_VERSION:
                raise ValueError(f"format_version {fields['format_version']!r}")
            fields["purged"] = tuple(Purged(**document) for document in fields["purged"])
            fields["expiring"] = tuple(Expiring(**document) for document in fields["expiring"])
            fields["models"] = tuple(TrainedModel(**document) for document in fields["models"])
            for name in ("further_hashes", "session_hashes"):
                fields[name] = tuple(fields.get(name, ()))
            return cls(**fields)
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidInput(f"not a receipt: {error!r}") from error


class ErasureReceiptStore:
    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def find(self, erasure: str) -> ErasureReceipt | None:
        stored = S3Object(self._client, self._bucket, receipt_key(erasure)).read()
        return ErasureReceipt.from_json(stored.body) if stored else None

    def read(self, erasure: str) -> ErasureReceipt:
        if (receipt := self.find(erasure)) is None:
            raise NotFound(f"there is no erasure {erasure}")
        return receipt

    def write(self, receipt: ErasureReceipt) -> None:
        S3Object(self._client, self._bucket, receipt_key(receipt.erasure_id)).write(receipt.to_json())


def date_after(moment_ms: int, *, days: float) -> str:
    """Return the first date (UTC, ISO 8601) that starts after the period of `days` from `moment_ms`.

    Examples
    --------
    >>> date_after(0, days=30)
    '1970-02-01'
    """
    return (dt.datetime.fromtimestamp(moment_ms / 1000, dt.UTC) + dt.timedelta(days=days + 1)).date().isoformat()
