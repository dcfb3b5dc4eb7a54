"""Routes of `collect`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

from alsolike.catalogue.actions import ActionStore
from alsolike.catalogue.items import ITEMS, CatalogueStore
from alsolike.catalogue.users import USERS, UserStore
from alsolike.configuration_document.reader import ConfigurationReader
from alsolike.declarations.metrics import Metric
from alsolike.events.stream_writer import EventStream
from alsolike.privacy.tombstones import user_ids
from alsolike.runtime.client_protocols import DynamoDbClient, S3Client, SecretsManagerClient
from alsolike.runtime.http import respond
from alsolike.runtime.polling import Polling
from functions.collect.actions import ActionRoutes
from functions.collect.events import Events
from functions.collect.items_and_users import RowRoutes
from functions.collect.openapi_route import Description
from functions.collect.request import CollectRequest
from functions.collect.settings import Settings

Route = Callable[[CollectRequest], dict[str, Any]]


def routes(
    settings: Settings, *, kinesis: Any, dynamodb: DynamoDbClient, s3: S3Client, secretsmanager: SecretsManagerClient
) -> Mapping[str, Route]:
    configuration = ConfigurationReader(s3, settings.artefact_bucket, polling=Polling(settings.configuration_check_s))
    ids = user_ids(
        s3,
        settings.artefact_bucket,
        secretsmanager,
        settings.secret_arn,
        pseudonymise=bool(settings.pseudonymise_ids),
        check_s=settings.tombstone_check_s,
    )
    stream = EventStream(kinesis, settings.stream_name)
    events = Events(
        stream,
        tracking_id=settings.tracking_id,
        configuration=configuration,
        user_ids=ids,
    )
    items = RowRoutes(
        ITEMS,
        CatalogueStore(dynamodb, settings.catalogue_table),
        configuration=configuration,
        columns=attrgetter("item_columns"),
        accepted=Metric.ITEMS_ACCEPTED,
    )
    users = RowRoutes(
        USERS,
        UserStore(dynamodb, settings.users_table),
        configuration=configuration,
        columns=attrgetter("user_columns"),
        accepted=Metric.USERS_ACCEPTED,
        user_ids=ids,
    )
    actions = ActionRoutes(
        ActionStore(s3, settings.artefact_bucket), stream, tracking_id=settings.tracking_id, user_ids=ids
    )
    documents: Mapping[str, Route] = {
        "POST /events": events.put,
        "POST /session/events": events.put_of_session,
        "POST /session/beacons": events.put_of_session,
        "POST /items": items.put,
        "GET /items": items.page,
        "GET /items/{itemId}": items.get,
        "PATCH /items/{itemId}": items.change,
        "DELETE /items/{itemId}": items.delete,
        "POST /users": users.put,
        "POST /actions": actions.put,
        "POST /action-interactions": actions.put_interactions,
        "GET /users": users.page,
        "GET /users/{userId}": users.get,
        "PATCH /users/{userId}": users.change,
    }
    return {
        **{key: _responding(document) for key, document in documents.items()},
        "GET /openapi.json": Description(configuration).get,
    }


def _responding(document: Route) -> Route:
    return lambda request: respond(document(request))
