"""DynamoDB table of resources, with one item per resource."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.client_protocols import DynamoDbClient
from alsolike.runtime.errors import Unavailable
from alsolike.runtime.struct import struct
from functions.personalize.codes import ACTIVE, FAILED

DELETING_MS = 60_000
"""Time in milliseconds for which a deleted resource stays visible, because clients poll until the deletion has ended.
"""

_FORGOTTEN_S = 86_400


@struct
class Resource:
    """Resource of the control plane.

    `key` is unique among resources of the same type. `request` contains the stored members of the creation request,
    with later updates. `progress` contains the execution of the resource's training or job, and its status.
    """

    kind: str
    key: str
    name: str
    request: Mapping[str, Any]
    created_ms: int
    deleted_ms: int | None = None
    updated_ms: int | None = None
    progress: Mapping[str, Any] = dataclasses.field(default_factory=dict)


class ResourceStore:
    def __init__(self, client: DynamoDbClient, table: str) -> None:
        self._client = client
        self._table = table

    def insert(self, resource: Resource) -> bool:
        """Write a resource. Return true if it was written.

        A resource with the same ID prevents the write, unless it was deleted more than `DELETING_MS` ago.
        """
        item = {
            "kind": {"S": resource.kind},
            "id": {"S": resource.key},
            "name": {"S": resource.name},
            "request": {"S": orjson.dumps(dict(resource.request)).decode()},
            "created_ms": {"N": str(resource.created_ms)},
        }
        return self._changed(
            self._client.put_item,
            Item=item,
            ConditionExpression="attribute_not_exists(id) OR deleted_ms < :gone",
            ExpressionAttributeValues={":gone": {"N": str(resource.created_ms - DELETING_MS)}},
        )

    def delete(self, kind: str, key: str, *, now_ms: int) -> bool:
        """Mark a resource as deleted. Return false if the resource does not exist or is already deleted."""
        return self._changed(
            self._client.update_item,
            Key={"kind": {"S": kind}, "id": {"S": key}},
            UpdateExpression="SET deleted_ms = :now, expires_at = :forgotten",
            ConditionExpression="attribute_exists(id) AND attribute_not_exists(deleted_ms)",
            ExpressionAttributeValues={
                ":now": {"N": str(now_ms)},
                ":forgotten": {"N": str(now_ms // 1000 + _FORGOTTEN_S)},
            },
        )

    def update(self, resource: Resource) -> bool:
        """Return false if the resource is deleted or does not exist."""
        return self._set(
            resource,
            request={"S": orjson.dumps(dict(resource.request)).decode()},
            updated_ms={"N": str(resource.updated_ms)},
        )

    def save_progress(self, resource: Resource) -> bool:
        """Write only the progress of a resource, because its request may have changed.

        Return false if the resource is deleted or does not exist.
        """
        return self._set(resource, progress={"S": orjson.dumps(dict(resource.progress)).decode()})

    def progressed(self, resource: Resource, read: Callable[[Resource], Mapping[str, Any]]) -> Resource:
        """Return the resource with the progress that `read` returns, and store this progress.

        The progress of a resource that is active or has failed is final, and is not read again.
        """
        if resource.progress.get("status") in (ACTIVE, FAILED):
            return resource
        progress = read(resource)
        if progress == resource.progress:
            return resource
        changed = dataclasses.replace(resource, progress=progress)
        self.save_progress(changed)
        return changed

    def get(self, kind: str, key: str, *, now_ms: int) -> Resource | None:
        """Return a resource, or None if it does not exist or was deleted at least `DELETING_MS` ago."""
        with self._translated():
            item = self._client.get_item(
                TableName=self._table, Key={"kind": {"S": kind}, "id": {"S": key}}, ConsistentRead=True
            ).get("Item")
        return None if item is None or _is_gone(item, now_ms=now_ms) else _resource(item)

    def all(self, *kinds: str, now_ms: int | None = None) -> Sequence[Resource]:
        """Return all resources of these types, sorted by ID.

        Resources that were deleted at least `DELETING_MS` before `now_ms` are skipped. If `now_ms` is None, no resource
        is skipped.
        """
        with self._translated():
            pages = self._client.get_paginator("scan").paginate(TableName=self._table, ConsistentRead=True)
            items = [item for page in pages for item in page["Items"] if item["kind"]["S"] in kinds]
        resources = [_resource(item) for item in items if now_ms is None or not _is_gone(item, now_ms=now_ms)]
        return sorted(resources, key=lambda resource: resource.key)

    def _set(self, resource: Resource, **attributes: Any) -> bool:
        return self._changed(
            self._client.update_item,
            Key={"kind": {"S": resource.kind}, "id": {"S": resource.key}},
            UpdateExpression=f"SET {', '.join(f'#{name} = :{name}' for name in attributes)}",
            ConditionExpression="attribute_exists(id) AND attribute_not_exists(deleted_ms)",
            ExpressionAttributeNames={f"#{name}": name for name in attributes},  # `request` is a reserved word
            ExpressionAttributeValues={f":{name}": value for name, value in attributes.items()},
        )

    def _changed(self, call: Any, **request: Any) -> bool:
        try:
            with self._translated():
                call(TableName=self._table, **request)
        except Unavailable as error:
            if error.code != "ConditionalCheckFailedException":
                raise
            return False
        return True

    def _translated(self) -> contextlib.AbstractContextManager[None]:
        return translate_aws_errors(f"resource table {self._table}")


def _is_gone(item: Mapping[str, Any], *, now_ms: int) -> bool:
    deleted = item.get("deleted_ms")
    return deleted is not None and now_ms - int(deleted["N"]) >= DELETING_MS


def _resource(item: Mapping[str, Any]) -> Resource:
    deleted = item.get("deleted_ms")
    return Resource(
        kind=item["kind"]["S"],
        key=item["id"]["S"],
        name=item["name"]["S"],
        request=orjson.loads(item["request"]["S"]),
        created_ms=int(item["created_ms"]["N"]),
        deleted_ms=None if deleted is None else int(deleted["N"]),
        updated_ms=int(item["updated_ms"]["N"]) if "updated_ms" in item else None,
        progress=orjson.loads(item["progress"]["S"]) if "progress" in item else {},
    )
