"""Key pairs of the shop's servers, in a DynamoDB table. The secrets are encrypted with a KMS key."""

from __future__ import annotations

import functools
import math
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from alsolike.runtime.aws import client
from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.client_protocols import DynamoDbClient, KmsClient
from alsolike.runtime.errors import Unavailable
from alsolike.runtime.observability import logger
from alsolike.runtime.polling import PolledValue, Polling
from alsolike.runtime.struct import struct

KEY_ID = "key_id"
ACTIVE, DISABLED = "active", "disabled"

CHECK_S = 10
"""Maximum age of a cached key in seconds, while the table responds. Changes of keys take effect within this time."""

USE_S = 60
"""Minimum interval in seconds between two writes of a key's use, per process."""

MAX_CACHED = 1_000
CALL_TIMEOUT_S = 2
ATTEMPTS = 2


@struct
class KeyUse:
    last_ms: int
    source: str
    calls: int


@struct
class SigningKey:
    """Key pair of a program.

    Attributes
    ----------
    client
        Name of the program that uses the key.
    secret
        Encrypted secret. The encryption context is the result of `encryption_context`.
    use
        Use of the key; None until the first accepted request.
    """

    key_id: str
    client: str
    secret: bytes
    scopes: tuple[str, ...]
    created_ms: int
    status: str = ACTIVE
    expires_ms: int | None = None
    use: KeyUse | None = None

    def is_active(self, *, now_ms: float) -> bool:
        return self.status == ACTIVE and (self.expires_ms is None or now_ms < self.expires_ms)

    def to_item(self) -> dict[str, Any]:
        item: dict[str, Any] = {
            KEY_ID: {"S": self.key_id},
            "client": {"S": self.client},
            "secret": {"B": self.secret},
            "scopes": {"L": [{"S": scope} for scope in self.scopes]},
            "created_ms": {"N": str(self.created_ms)},
            "status": {"S": self.status},
        }
        if self.expires_ms is not None:
            item["expires_ms"] = {"N": str(self.expires_ms)}
        if self.use is not None:
            item |= {
                "last_used_ms": {"N": str(self.use.last_ms)},
                "last_source": {"S": self.use.source},
                "calls": {"N": str(self.use.calls)},
            }
        return item

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> SigningKey:
        expires = item.get("expires_ms")
        return cls(
            key_id=item[KEY_ID]["S"],
            client=item["client"]["S"],
            secret=bytes(item["secret"]["B"]),
            scopes=tuple(scope["S"] for scope in item["scopes"]["L"]),
            created_ms=int(item["created_ms"]["N"]),
            status=item["status"]["S"],
            expires_ms=None if expires is None else int(expires["N"]),
            use=KeyUse(int(item["last_used_ms"]["N"]), item["last_source"]["S"], int(item["calls"]["N"]))
            if "last_used_ms" in item
            else None,
        )


def encryption_context(key_id: str) -> dict[str, str]:
    """Return the encryption context of a key's secret.

    The context prevents the use of the secret with another key ID.
    """
    return {KEY_ID: key_id}


class KeyReader:
    """Reader of keys and secrets with a cache. Cached keys remain valid while the table does not respond."""

    def __init__(self, dynamodb: DynamoDbClient, kms: KmsClient, table: str) -> None:
        self._dynamodb = dynamodb
        self._kms = kms
        self._table = table
        self._cached: OrderedDict[str, PolledValue[SigningKey | None]] = OrderedDict()
        self._secrets: dict[bytes, str] = {}
        self._written_s: dict[str, float] = {}
        self._calls: Counter[str] = Counter()

    def find(self, key_id: str, *, now_s: float) -> SigningKey | None:
        if key_id not in self._cached:
            read = functools.partial(self._read, key_id)
            self._cached[key_id] = PolledValue(read, name="signing key", polling=Polling(interval_s=CHECK_S))
        self._cached.move_to_end(key_id)
        if len(self._cached) > MAX_CACHED:  # Unknown IDs are cached, too.
            self._cached.popitem(last=False)
        return self._cached[key_id].current(now_ms=int(now_s * 1000))

    def secret(self, key: SigningKey) -> str:
        if key.secret not in self._secrets:
            with translate_aws_errors(f"secret of key {key.key_id}"):
                answer = self._kms.decrypt(CiphertextBlob=key.secret, EncryptionContext=encryption_context(key.key_id))
            self._secrets[key.secret] = answer["Plaintext"].decode()
        return self._secrets[key.secret]

    def mark_used(self, key: SigningKey, *, source: str, now_s: float) -> None:
        """Count a call. The time, source and number of calls are written at most once per `USE_S` and process.

        Calls are not counted if the write fails, or the process ends before the write.
        """
        self._calls[key.key_id] += 1
        if now_s < self._written_s.get(key.key_id, -math.inf) + USE_S:
            return
        self._written_s[key.key_id] = now_s
        calls = self._calls.pop(key.key_id)
        try:
            with translate_aws_errors(f"key table {self._table}"):
                self._dynamodb.update_item(
                    TableName=self._table,
                    Key={KEY_ID: {"S": key.key_id}},
                    UpdateExpression="SET last_used_ms = :now, last_source = :source ADD calls :calls",
                    ConditionExpression=f"attribute_exists({KEY_ID})",
                    ExpressionAttributeValues={
                        ":now": {"N": str(round(now_s * 1000))},
                        ":source": {"S": source},
                        ":calls": {"N": str(calls)},
                    },
                )
        except Unavailable:  # Also raised for a deleted key. The request is still admitted.
            logger.warning("the last use of a key was not written")

    def _read(self, key_id: str, _: Callable[[], float]) -> SigningKey | None:
        with translate_aws_errors(f"key table {self._table}"):
            item = self._dynamodb.get_item(TableName=self._table, Key={KEY_ID: {"S": key_id}}).get("Item")
        return None if item is None else SigningKey.from_item(item)


def key_reader(table: str) -> KeyReader:
    return KeyReader(
        client("dynamodb", read_timeout_s=CALL_TIMEOUT_S, attempts=ATTEMPTS),
        client("kms", read_timeout_s=CALL_TIMEOUT_S, attempts=ATTEMPTS),
        table,
    )
