"""A training dataset out of the lake, without a training."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import orjson

from alsolike.runtime.errors import AlsolikeError
from operations import progress
from operations.client.aws import translate_aws_errors
from operations.client.deployment import Deployment


class DatasetFailed(AlsolikeError):
    """The dataset's function gave an error."""


def rebuild_dataset(where: Deployment) -> dict[str, Any]:
    """Let the deployment build a dataset; return what its function says of it.

    Raises
    ------
    DatasetFailed
        With the function's error.
    Unavailable
        If Lambda does not answer.
    """
    now = dt.datetime.now(dt.UTC)
    run = {
        "run_id": f"{now:%Y%m%dt%H%M%S}-{uuid.uuid4().hex[:6]}",
        "started_ms": int(now.timestamp() * 1000),
    }
    name = where.names.build_dataset_function
    with progress.step("dataset") as step, translate_aws_errors(f"function {name}"):
        answer = where.client("lambda").invoke(FunctionName=name, Payload=orjson.dumps(run))
        document: dict[str, Any] = orjson.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise DatasetFailed(f"no dataset was built: {document.get('errorMessage', document)}")
        step.note(f"{document['interactions']:,} interactions")
    return document
