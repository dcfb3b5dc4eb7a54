"""Routes that read and write items and users."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic

from alsolike.catalogue.row_store import RowStore, Stored
from alsolike.catalogue.rows import R, RowKind, changed, parse_changes, parse_put
from alsolike.configuration.configuration import ColumnType, Configuration
from alsolike.configuration_document.reader import ConfigurationReader
from alsolike.declarations.limits import MAX_ROWS_BODY_BYTES
from alsolike.declarations.metrics import Metric
from alsolike.privacy.tombstones import UserIds
from alsolike.runtime.errors import NotFound
from alsolike.runtime.observability import count
from functions.collect.request import CollectRequest, refuse


class RowRoutes(Generic[R]):
    """Routes for items or users with the columns that the configuration declares. `user_ids` is None for items."""

    def __init__(
        self,
        kind: RowKind[R],
        store: RowStore[R],
        *,
        configuration: ConfigurationReader,
        columns: Callable[[Configuration], Mapping[str, ColumnType]],
        accepted: Metric,
        user_ids: UserIds | None = None,
    ) -> None:
        self._user_ids = user_ids
        self._kind = kind
        self._store = store
        self._configuration = configuration
        self._columns = columns
        self._accepted = accepted

    def put(self, request: CollectRequest) -> dict[str, Any]:
        """Write the valid rows of a request. Existing rows are replaced.

        Raise `InvalidInput` if the body is invalid, or, after the valid rows are stored, if single rows are invalid.
        """
        columns, dataset = self._declared(request), self._kind.list_field.upper()
        call = parse_put(request.body(maximum=MAX_ROWS_BODY_BYTES), self._kind, dataset=dataset, columns=columns)
        if rows := self._stored(call.rows, now_ms=request.now_ms):
            self._store.put(rows, now_ms=request.now_ms)
            count(self._accepted, len(rows))
        refuse(call.refused, stored=len(call.rows), noun=self._kind.list_field)
        return {}

    def change(self, request: CollectRequest) -> dict[str, Any]:
        """Set and remove columns of a row, and return the row."""
        row_id = self._unerased_id(request)
        changes = parse_changes(request.body(maximum=MAX_ROWS_BODY_BYTES), self._kind, columns=self._declared(request))
        stored = self._store.update(
            row_id, lambda properties: changed(properties, changes, self._kind), now_ms=request.now_ms
        )
        count(self._accepted)
        return self._document(stored)

    def delete(self, request: CollectRequest) -> dict[str, Any]:
        self._store.delete(self._id(request), now_ms=request.now_ms)
        count(self._accepted)
        return {}

    def get(self, request: CollectRequest) -> dict[str, Any]:
        """Raise `NotFound` if the row does not exist, or its user is erased."""
        return self._document(self._store.get(self._unerased_id(request)))

    def page(self, request: CollectRequest) -> dict[str, Any]:
        limit, start = request.page()
        rows, token = self._store.page(limit=limit, token=start)
        document: dict[str, Any] = {self._kind.list_field: [self._document(stored) for stored in rows]}
        return document if token is None else {**document, "nextToken": token}

    def _declared(self, request: CollectRequest) -> Mapping[str, ColumnType]:
        return self._columns(self._configuration.current(now_ms=request.now_ms))

    def _id(self, request: CollectRequest) -> str:
        row_id = request.path_id(self._kind.id_field)
        return self._user_ids.ids.user(row_id) if self._user_ids else row_id

    def _unerased_id(self, request: CollectRequest) -> str:
        """Return the stored ID of the item or user in the request's path. Raise an error if the user is erased."""
        row_id = self._id(request)
        if self._user_ids and self._user_ids.erased(row_id, now_ms=request.now_ms):
            raise NotFound(f"there is no {self._kind.name} {row_id!r}")
        return row_id

    def _stored(self, rows: Sequence[R], *, now_ms: int) -> Sequence[R]:
        """Return rows with their stored IDs. Rows of erased users are accepted and dropped."""
        if self._user_ids is None:
            return rows
        user_ids, kind = self._user_ids, self._kind
        named = [kind.make(user_ids.ids.user(kind.id_of(row)), row.properties) for row in rows]
        kept = [row for row in named if not user_ids.erased(kind.id_of(row), now_ms=now_ms)]
        if len(kept) < len(rows):
            count(Metric.ROWS_OF_ERASED_USERS, len(rows) - len(kept))
        return kept

    def _document(self, stored: Stored[R]) -> dict[str, Any]:
        return {
            self._kind.id_field: self._kind.id_of(stored.row),
            "properties": stored.row.properties,
            "updatedAt": stored.updated_at_ms / 1000,
        }
