"""Which route does what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

from alsolike.catalog import ITEMS, CatalogueStore
from alsolike.configuration_store import ConfigurationReader
from alsolike.observability import Metric
from alsolike.users import USERS, UserStore
from functions.collect.dataset import Dataset
from functions.collect.events import Events
from functions.collect.request import Request
from functions.collect.settings import Settings
from functions.collect.stream import EventStream

Route = Callable[[Request], dict[str, Any]]


def routes(settings: Settings, *, kinesis: Any, dynamodb: Any, s3: Any) -> Mapping[str, Route]:
    """Return what answers a request, by its route key.

    Parameters
    ----------
    kinesis, dynamodb, s3
        Low-level clients.
    """
    configuration = ConfigurationReader(s3, settings.artefact_bucket, check_s=settings.configuration_check_s)
    events = Events(
        EventStream(kinesis, settings.stream_name), tracking_id=settings.tracking_id, configuration=configuration
    )
    items = Dataset(
        ITEMS,
        CatalogueStore(dynamodb, settings.catalogue_table),
        arn=settings.items_dataset_arn,
        configuration=configuration,
        columns=attrgetter("item_columns"),
        accepted=Metric.ITEMS_ACCEPTED,
    )
    users = Dataset(
        USERS,
        UserStore(dynamodb, settings.users_table),
        arn=settings.users_dataset_arn,
        configuration=configuration,
        columns=attrgetter("user_columns"),
        accepted=Metric.USERS_ACCEPTED,
    )
    return {
        "POST /events": events.put,
        "POST /items": items.put,
        "GET /items": items.page,
        "GET /items/{itemId}": items.get,
        "PATCH /items/{itemId}": items.change,
        "DELETE /items/{itemId}": items.delete,
        "POST /users": users.put,
        "GET /users": users.page,
        "GET /users/{userId}": users.get,
        "PATCH /users/{userId}": users.change,
    }
