"""Build of a training dataset without training a model."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import orjson

from alsolike.runtime.errors import AlsolikeError
from operations import progress
from operations.client.deployment import Deployment
from operations.client.functions import invoke


class DatasetFailed(AlsolikeError):
    pass


def rebuild_dataset(deployment: Deployment) -> dict[str, Any]:
    now = dt.datetime.now(dt.UTC)
    run = {
        "run_id": f"{now:%Y%m%dt%H%M%S}-{uuid.uuid4().hex[:6]}",
        "started_ms": int(now.timestamp() * 1000),
    }
    name = deployment.names.build_dataset_function
    with progress.step("dataset") as step:
        document: dict[str, Any] = orjson.loads(
            invoke(deployment, name, run, failure="no dataset was built", error=DatasetFailed)
        )
        step.note(f"{document['interactions']:,} interactions")
    return document
