"""Route GET /users/{userId}/data."""

from __future__ import annotations

import functools
import os
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from alsolike.api.handler import api_handler
from alsolike.api.path_ids import path_id
from alsolike.declarations.metrics import Metric
from alsolike.privacy.pseudonyms import IdPolicy, pseudonyms_of
from alsolike.profiles.user_export import UserData, UserDataStores
from alsolike.runtime.aws import client
from alsolike.runtime.http import respond_json
from alsolike.runtime.observability import count
from alsolike.runtime.settings import from_environment
from alsolike.schema.queries import NEXT, read_query
from functions.export_user.service import export_user
from functions.export_user.settings import Settings


@functools.cache
def _data() -> tuple[UserData, IdPolicy]:
    settings = from_environment(Settings, os.environ)
    pseudonyms = pseudonyms_of(client("secretsmanager"), settings.secret_arn)
    stores = UserDataStores(
        settings.lake_bucket, settings.artefact_bucket, settings.profiles_table, settings.users_table
    )
    data = UserData(client("s3"), client("dynamodb"), stores, pseudonyms, pd, pq)
    return data, IdPolicy((lambda: pseudonyms) if settings.pseudonymise_ids else None)


@api_handler(Settings)
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    data, ids = _data()
    token = read_query(event, NEXT).get("nextToken")
    document = export_user(
        ids.user(path_id(event, "userId")),
        data=data,
        remaining_ms=context.get_remaining_time_in_millis,
        token=token,
    )
    if token is None:
        count(Metric.USERS_EXPORTED)
    return respond_json(document)
