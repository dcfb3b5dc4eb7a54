"""GET /users/{userId}/data."""

from __future__ import annotations

import functools
import os
from typing import Any

from alsolike.aws import client
from alsolike.errors import AlsolikeError
from alsolike.http import respond_error, respond_json
from alsolike.observability import Metric, count, log_refusal, observed
from alsolike.path_ids import path_id
from alsolike.pseudonyms import EdgeIds, pseudonyms_of
from alsolike.settings import from_environment
from alsolike.user_data import Places, UserData
from functions.export_user.rows import concatenate, read_rows
from functions.export_user.service import export_user
from functions.export_user.settings import Settings

ANSWER_MS = 3_000
"""Time that is left for the answer when the search stops."""


@functools.cache
def _data() -> tuple[UserData, EdgeIds]:
    settings = from_environment(Settings, os.environ)
    pseudonyms = pseudonyms_of(client("secretsmanager"), settings.secret_arn)
    places = Places(settings.lake_bucket, settings.artefact_bucket, settings.profiles_table, settings.users_table)
    data = UserData(client("s3"), client("dynamodb"), places, pseudonyms, read_rows, concatenate)
    return data, EdgeIds((lambda: pseudonyms) if settings.pseudonymise_ids else None)


@observed
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer with everything that is held about the user."""
    try:
        data, ids = _data()
        document = export_user(
            ids.user(path_id(event, "userId")),
            data=data,
            has_time=lambda: context.get_remaining_time_in_millis() > ANSWER_MS,
        )
    except AlsolikeError as error:
        count(Metric.REQUESTS_REJECTED)
        log_refusal(error)
        return respond_error(error)
    count(Metric.USERS_EXPORTED)
    return respond_json(document)
