"""API key pairs of clients. Creating, rotating, disabling and deleting them requires AWS credentials."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import secrets
import string
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import ClientError

from alsolike.declarations.parameters import Names
from alsolike.declarations.routes import SCOPES, SIGNED_PREFIX
from alsolike.runtime.errors import InvalidInput, NotFound, Unavailable
from alsolike.runtime.names import NAME, NAME_FORM
from alsolike.signing.key_pairs import DISABLED, KEY_ID, SigningKey, encryption_context
from operations import times
from operations.client.aws import translate_aws_errors

if TYPE_CHECKING:
    from operations.client.deployment import Deployment

MAX_ACTIVE = 2
"""Maximum number of active keys per client: the current key, and the next key during a rotation."""

COMMANDS = "alsolike-commands"
"""Client name of the key that commands create for themselves."""

COMMANDS_HOURS = 24
"""Validity of the commands' key in hours."""

_HOUR_MS = 3_600_000
_PREFIX = "ALSO"
_SECRET_CHARACTERS = string.ascii_letters + string.digits
_SECRET_LENGTH = 40
_SERVICES = ("PERSONALIZE", "PERSONALIZE_RUNTIME", "PERSONALIZE_EVENTS")


class KeyPair(NamedTuple):
    key_id: str
    secret: str


@dataclasses.dataclass(frozen=True, slots=True)
class NewKey:
    """New key pair. The secret is shown once."""

    key: SigningKey
    secret: str = dataclasses.field(repr=False)


class Keys:
    """API key pairs in a deployment's DynamoDB table, with secrets encrypted by KMS.

    Changes are repeated in the region of `other`, if it is not None.
    """

    def __init__(self, client: Callable[[str], Any], names: Names, *, other: Callable[[], Keys] | None = None) -> None:
        self._client = client
        self._encryption = names.keys_encryption_arn
        self._table = names.keys_table
        self._region = names.region
        self._other = other

    @classmethod
    def of(cls, deployment: Deployment) -> Keys:
        other_region = deployment.other_region

        def other() -> Keys:
            assert other_region is not None
            found = other_region()
            return cls(found.client, found.names)

        return cls(deployment.client, deployment.names, other=other if other_region else None)

    def all(self) -> Sequence[SigningKey]:
        with self._translated():
            pages = self._client("dynamodb").get_paginator("scan").paginate(TableName=self._table)
            keys = [SigningKey.from_item(item) for page in pages for item in page["Items"]]
        return sorted(keys, key=lambda key: (key.client, key.created_ms))

    def rows(self, *, names: Mapping[str, str], now_ms: int) -> list[dict[str, Any]]:
        return [
            {
                "client": key.client,
                "key_id": key.key_id,
                "access": [names.get(scope, scope) for scope in key.scopes],
                "status": "expired" if key.status == "active" and not key.is_active(now_ms=now_ms) else key.status,
                "created": times.day(key.created_ms),
                "expires": None if key.expires_ms is None else times.day(key.expires_ms),
                "last_used": None if key.use is None else times.text(key.use.last_ms, "minutes"),
                "source": None if key.use is None else key.use.source,
                "calls": 0 if key.use is None else key.use.calls,
            }
            for key in self.all()
        ]

    def can_decrypt(self, key: SigningKey) -> bool:
        try:
            self._client("kms").decrypt(CiphertextBlob=key.secret, EncryptionContext=encryption_context(key.key_id))
        except ClientError:
            return False
        return True

    def create(self, client: str, *, scopes: Collection[str], now_ms: int, expires_ms: int | None = None) -> NewKey:
        if not NAME.fullmatch(client):
            raise InvalidInput(f"client is {client!r}, expected {NAME_FORM}")
        active = [key.key_id for key in self.all() if key.client == client and key.is_active(now_ms=now_ms)]
        if len(active) >= MAX_ACTIVE:
            raise InvalidInput(
                f"client {client!r} has {MAX_ACTIVE} active keys ({', '.join(active)}); "
                "disable one with `alsolike keys disable`"
            )
        return self._create(client, scopes=scopes, now_ms=now_ms, expires_ms=expires_ms)

    def _create(self, client: str, *, scopes: Collection[str], now_ms: int, expires_ms: int | None) -> NewKey:
        key_id = _PREFIX + base64.b32encode(secrets.token_bytes(10)).decode()
        secret = "".join(secrets.choice(_SECRET_CHARACTERS) for _ in range(_SECRET_LENGTH))
        key = SigningKey(key_id, client, b"", tuple(sorted(scopes)), created_ms=now_ms, expires_ms=expires_ms)
        if self._other:
            self._other()._store(key, secret)
        return NewKey(self._store(key, secret), secret)

    def _store(self, key: SigningKey, secret: str) -> SigningKey:
        # The KMS key of this region encrypts the secret.
        with translate_aws_errors(f"KMS key {self._encryption}"):
            answer = self._client("kms").encrypt(
                KeyId=self._encryption, Plaintext=secret.encode(), EncryptionContext=encryption_context(key.key_id)
            )
        key = dataclasses.replace(key, secret=answer["CiphertextBlob"])
        with self._translated():
            self._client("dynamodb").put_item(
                TableName=self._table, Item=key.to_item(), ConditionExpression=f"attribute_not_exists({KEY_ID})"
            )
        return key

    def rotate(self, client: str, *, now_ms: int, expires_ms: int | None = None) -> NewKey:
        """Create a second key pair with the scopes of the client's newest active key. Both keys remain active."""
        active = [key for key in self.all() if key.client == client and key.is_active(now_ms=now_ms)]
        if not active:
            raise NotFound(f"client {client!r} has no active key; create one with `alsolike keys create {client}`")
        return self.create(client, scopes=active[-1].scopes, now_ms=now_ms, expires_ms=expires_ms)

    def command_key(self, *, now_ms: int) -> KeyPair:
        """Return the key pair that all commands share. It is valid for at least an hour.

        If there is none, delete expired pairs and create one.
        """
        own = [key for key in self.all() if key.client == COMMANDS]
        if valid := [key for key in own if key.is_active(now_ms=now_ms + _HOUR_MS)]:
            key = valid[-1]
            with translate_aws_errors(f"KMS key {self._encryption}"):
                answer = self._client("kms").decrypt(
                    CiphertextBlob=key.secret, EncryptionContext=encryption_context(key.key_id)
                )
            return KeyPair(key.key_id, answer["Plaintext"].decode())
        for key in own:
            if not key.is_active(now_ms=now_ms):
                with contextlib.suppress(NotFound):  # Another command may have deleted the key.
                    self.delete(key.key_id)
        new = self._create(COMMANDS, scopes=SCOPES, now_ms=now_ms, expires_ms=now_ms + COMMANDS_HOURS * _HOUR_MS)
        return KeyPair(new.key.key_id, new.secret)

    def disable(self, key_id: str) -> None:
        # Functions cache keys, so they accept the key a little longer.
        self._change(
            "update_item",
            key_id,
            UpdateExpression="SET #status = :disabled",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={":disabled": {"S": DISABLED}},
        )

    def delete(self, key_id: str) -> None:
        self._change("delete_item", key_id)

    def _change(self, operation: str, key_id: str, **request: Any) -> None:
        """Change a key in all regions. Raise `NotFound` if no region has the key.

        Keys that are older than the second region exist in one region only.
        """
        is_changed = self._change_here(operation, key_id, request)
        if self._other:
            is_changed |= self._other()._change_here(operation, key_id, request)
        if not is_changed:
            raise NotFound(f"there is no key {key_id!r}; `alsolike keys list` shows all")

    def _change_here(self, operation: str, key_id: str, request: Mapping[str, Any]) -> bool:
        """Change a key in this region only. Return false if the region does not have the key."""
        change, condition = getattr(self._client("dynamodb"), operation), f"attribute_exists({KEY_ID})"
        try:
            with self._translated():
                change(TableName=self._table, Key={KEY_ID: {"S": key_id}}, ConditionExpression=condition, **request)
        except Unavailable as error:
            if error.code != "ConditionalCheckFailedException":
                raise
            return False
        return True

    def _translated(self) -> contextlib.AbstractContextManager[None]:
        return translate_aws_errors(f"key table {self._table} in {self._region}")


class CommandKey:
    """Cache of the commands' key pair. A read pair is valid for at least an hour, so it is read every half hour."""

    def __init__(self, client: Callable[[str], Any], names: Names) -> None:
        self._keys = Keys(client, names)
        self._pair: KeyPair | None = None
        self._read_s = 0.0

    def __call__(self) -> KeyPair:
        now_s = time.time()
        if self._pair is None or now_s - self._read_s > _HOUR_MS / 2_000:
            self._pair, self._read_s = self._keys.command_key(now_ms=int(now_s * 1000)), now_s
        return self._pair


def environment_variables(new: NewKey, names: Names, *, certificate: Path | None) -> Mapping[str, str]:
    """Return the environment variables that direct clients of Amazon Personalize to the deployment."""
    endpoint = f"{names.client_url}{SIGNED_PREFIX}"
    return {
        "AWS_ACCESS_KEY_ID": new.key.key_id,
        "AWS_SECRET_ACCESS_KEY": new.secret,
        "AWS_REGION": names.region,
        "AWS_DEFAULT_REGION": names.region,
        **{f"AWS_ENDPOINT_URL_{service}": endpoint for service in _SERVICES},
        **({"AWS_CA_BUNDLE": str(certificate)} if certificate else {}),
    }
