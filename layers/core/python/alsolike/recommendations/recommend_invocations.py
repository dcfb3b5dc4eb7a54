"""Direct invocations of the function `recommend` for previews, checks and forecasts of rules, and their errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.client_protocols import LambdaClient
from alsolike.runtime.errors import AlsolikeError, InvalidInput, NotFound, Unavailable
from alsolike.schema.document import Fault

FOR_ALL: Mapping[str, type[AlsolikeError]] = {
    "InvalidInput": InvalidInput,
    "InvalidConfiguration": InvalidInput,
    "NotFound": NotFound,
}
"""Error classes by name in a function's result. These errors concern the complete request, not only one batch."""


def check_not_refused(document: Mapping[str, Any]) -> None:
    if refused := document.get("refused"):
        raise FOR_ALL[refused["type"]](refused["message"])


def ask(lambda_: LambdaClient, function: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return a preview, which contains the lists `before` and `after`."""
    return _invoke(lambda_, function, {"preview": {name: value for name, value in fields.items() if value is not None}})


def catalogue_warnings(lambda_: LambdaClient, function: str, configuration: Mapping[str, Any]) -> list[Fault]:
    """Return the differences between the rules of a configuration document and the catalogue.

    If the function fails, the only warning contains the error.
    """
    try:
        answer = _invoke(lambda_, function, {"ruleCheck": {"configuration": configuration}})
    except AlsolikeError as error:
        return [Fault(("rules",), f"were not compared with the catalogue: {error}")]
    return [Fault(tuple(warning["path"]), warning["message"]) for warning in answer["warnings"]]


def lists_of_requests(lambda_: LambdaClient, function: str, requests: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the present list and the draft's list of each logged request, or the reason for a refusal."""
    lists: list[dict[str, Any]] = _invoke(lambda_, function, {"forecast": requests})["lists"]
    return lists


def _invoke(lambda_: LambdaClient, function: str, event: Mapping[str, Any]) -> dict[str, Any]:
    with translate_aws_errors(f"function {function}", also=OSError):
        answer = lambda_.invoke(FunctionName=function, Payload=orjson.dumps(event))
        document: dict[str, Any] = orjson.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        raise Unavailable(f"{document.get('errorType', 'an error')}: {document.get('errorMessage', '')}")
    check_not_refused(document)
    return document
