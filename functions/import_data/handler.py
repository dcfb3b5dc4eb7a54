"""Handler of one step in the import workflow, which imports the files of an import job."""

from __future__ import annotations

import dataclasses
import os
import tempfile
import time
from typing import TYPE_CHECKING, Any

from alsolike.declarations.metrics import Metric
from alsolike.declarations.parameters import Names
from alsolike.runtime.errors import Unavailable
from alsolike.runtime.observability import count, instrumented, logger
from alsolike.runtime.settings import from_environment
from functions.import_data.service import import_dataset
from functions.import_data.settings import Settings
from operations.client.aws import session_clients
from operations.client.deployment import Deployment

if TYPE_CHECKING:
    from operations.keys import KeyPair


@instrumented
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    os.chdir(tempfile.gettempdir())  # Files of rejected rows are written to the working directory.
    where = _deployment(from_environment(Settings, os.environ))
    counts = import_dataset(
        event["job"], event["dataset"], event["location"], where, now_ms=time.time_ns() // 1_000_000
    )
    count(Metric.ROWS_IMPORTED, counts["imported"])
    count(Metric.ROWS_REJECTED, counts["rejected"])
    logger.info("dataset imported", job=event["job"], dataset=event["dataset"], rows=counts)
    return counts


def _deployment(settings: Settings) -> Deployment:
    values = {**dataclasses.asdict(settings), "hash_key_arn": settings.secret_arn}
    names = Names(**{field.name: str(values.get(field.name, "")) for field in dataclasses.fields(Names)})
    return Deployment(settings.deployment, names, session_clients(), _no_key, is_local=False)


def _no_key() -> KeyPair:
    raise Unavailable("imports call no route of the API, and have no key")
