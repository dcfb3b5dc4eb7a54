from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from alsolike.runtime.errors import AlsolikeError, Unavailable
from operations.client.aws import translate_aws_errors
from operations.client.deployment import Deployment


def invoke(
    deployment: Deployment,
    function: str,
    payload: Mapping[str, Any],
    *,
    failure: str,
    error: type[AlsolikeError] = Unavailable,
) -> bytes:
    with translate_aws_errors(f"function {function}"):
        answer = deployment.client("lambda").invoke(FunctionName=function, Payload=orjson.dumps(payload))
        body: bytes = answer["Payload"].read()
    if "FunctionError" in answer:
        document = orjson.loads(body)
        raise error(f"{failure}: {document.get('errorMessage') or document.get('errorType', document)}")
    return body
