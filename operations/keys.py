"""Key pairs for clients of the API: created, rotated, disabled and deleted with the operator's AWS credentials."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import secrets
import string
from collections.abc import Collection, Iterator, Mapping, Sequence

from alsolike.declarations.routes import SIGNED_PREFIX
from alsolike.runtime.errors import InvalidInput, NotFound, Unavailable
from alsolike.runtime.names import NAME, NAME_FORM
from alsolike.signing.keys import DISABLED, KEY_ID, SigningKey, encryption_context
from operations.client.aws import translate_aws_errors
from operations.client.deployment import Deployment

MAX_ACTIVE = 2
"""Active keys of a client: the current one, and the next one during a rotation."""

_PREFIX = "ALSO"
_SECRET_CHARACTERS = string.ascii_letters + string.digits
_SECRET_LENGTH = 40
_SERVICES = ("PERSONALIZE", "PERSONALIZE_RUNTIME", "PERSONALIZE_EVENTS")


@dataclasses.dataclass(frozen=True, slots=True)
class NewKey:
    """A key pair whose secret is shown once."""

    key: SigningKey
    secret: str = dataclasses.field(repr=False)


class Keys:
    """The keys of a deployment."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._table = deployment.names.keys_table

    def all(self) -> Sequence[SigningKey]:
        """Return all keys, by client and time of creation.

        Raises
        ------
        Unavailable
            If DynamoDB does not answer.
        """
        with self._translated():
            pages = self._deployment.client("dynamodb").get_paginator("scan").paginate(TableName=self._table)
            found = [SigningKey.from_item(item) for page in pages for item in page["Items"]]
        return sorted(found, key=lambda key: (key.client, key.created_ms))

    def create(self, client: str, *, scopes: Collection[str], now_ms: int, expires_ms: int | None = None) -> NewKey:
        """Create a key pair.

        Raises
        ------
        InvalidInput
            If the name is invalid, or the client has `MAX_ACTIVE` active keys.
        Unavailable
            If DynamoDB or KMS does not answer.
        """
        if not NAME.fullmatch(client):
            raise InvalidInput(f"client is {client!r}, expected {NAME_FORM}")
        active = [key.key_id for key in self.all() if key.client == client and key.is_active(now_ms=now_ms)]
        if len(active) >= MAX_ACTIVE:
            raise InvalidInput(
                f"client {client!r} has {MAX_ACTIVE} active keys ({', '.join(active)}); "
                "disable one with `alsolike keys disable`"
            )
        key_id = _PREFIX + base64.b32encode(secrets.token_bytes(10)).decode()
        secret = "".join(secrets.choice(_SECRET_CHARACTERS) for _ in range(_SECRET_LENGTH))
        names = self._deployment.names
        with translate_aws_errors(f"KMS key {names.keys_encryption_arn}"):
            answer = self._deployment.client("kms").encrypt(
                KeyId=names.keys_encryption_arn, Plaintext=secret.encode(), EncryptionContext=encryption_context(key_id)
            )
        key = SigningKey(
            key_id, client, answer["CiphertextBlob"], tuple(sorted(scopes)), created_ms=now_ms, expires_ms=expires_ms
        )
        with self._translated():
            self._deployment.client("dynamodb").put_item(
                TableName=self._table, Item=key.to_item(), ConditionExpression=f"attribute_not_exists({KEY_ID})"
            )
        return NewKey(key, secret)

    def rotate(self, client: str, *, now_ms: int, expires_ms: int | None = None) -> NewKey:
        """Create a second key pair with the scopes of the client's newest active one, which stays active.

        Raises
        ------
        NotFound
            If the client has no active key.
        InvalidInput, Unavailable
            See `create`.
        """
        active = [key for key in self.all() if key.client == client and key.is_active(now_ms=now_ms)]
        if not active:
            raise NotFound(f"client {client!r} has no active key; create one with `alsolike keys create {client}`")
        return self.create(client, scopes=active[-1].scopes, now_ms=now_ms, expires_ms=expires_ms)

    def disable(self, key_id: str) -> None:
        """Disable a key; functions refuse it within a minute.

        Raises
        ------
        NotFound
            If it does not exist.
        Unavailable
            If DynamoDB does not answer.
        """
        with self._existing(key_id):
            self._deployment.client("dynamodb").update_item(
                TableName=self._table,
                Key={KEY_ID: {"S": key_id}},
                UpdateExpression="SET #status = :disabled",
                ConditionExpression=f"attribute_exists({KEY_ID})",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={":disabled": {"S": DISABLED}},
            )

    def delete(self, key_id: str) -> None:
        """Delete a key; functions refuse it within a minute.

        Raises
        ------
        NotFound
            If it does not exist.
        Unavailable
            If DynamoDB does not answer.
        """
        with self._existing(key_id):
            self._deployment.client("dynamodb").delete_item(
                TableName=self._table,
                Key={KEY_ID: {"S": key_id}},
                ConditionExpression=f"attribute_exists({KEY_ID})",
            )

    def _translated(self) -> contextlib.AbstractContextManager[None]:
        return translate_aws_errors(f"key table {self._table}")

    @contextlib.contextmanager
    def _existing(self, key_id: str) -> Iterator[None]:
        try:
            with self._translated():
                yield
        except Unavailable as error:
            if error.code != "ConditionalCheckFailedException":
                raise
            raise NotFound(f"there is no key {key_id!r}; `alsolike keys list` shows all") from error


def environment_variables(new: NewKey, where: Deployment) -> Mapping[str, str]:
    """Return the variables with which clients of Amazon Personalize call the deployment."""
    endpoint = f"{where.names.api_url.rstrip('/')}{SIGNED_PREFIX}"
    return {
        "AWS_ACCESS_KEY_ID": new.key.key_id,
        "AWS_SECRET_ACCESS_KEY": new.secret,
        "AWS_REGION": where.names.region,
        "AWS_DEFAULT_REGION": where.names.region,
        **{f"AWS_ENDPOINT_URL_{service}": endpoint for service in _SERVICES},
        **({"AWS_CA_BUNDLE": str(where.certificate)} if where.certificate else {}),
    }
