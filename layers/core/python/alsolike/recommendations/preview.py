"""Previews of rules by the deployment's function, and errors of direct invocations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.errors import AlsolikeError, InvalidInput, NotFound, Unavailable

FOR_ALL: Mapping[str, type[AlsolikeError]] = {
    "InvalidInput": InvalidInput,
    "InvalidConfiguration": InvalidInput,
    "NotFound": NotFound,
}
"""Errors of the request as a whole, by their name in the function's result: every batch would have them."""


def check_not_refused(document: Mapping[str, Any]) -> None:
    """Raise the error in the result of a replay or a preview, if there is one."""
    if refused := document.get("refused"):
        raise FOR_ALL[refused["type"]](refused["message"])


def ask(lambda_: Any, function: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the function's results without and with the rules; see `functions.recommend.direct.preview`.

    Raises
    ------
    InvalidInput, NotFound
        If the request is invalid.
    """
    event = {"preview": {name: value for name, value in fields.items() if value is not None}}
    with translate_aws_errors(f"function {function}", also=OSError):
        answer = lambda_.invoke(FunctionName=function, Payload=orjson.dumps(event))
        document: dict[str, Any] = orjson.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        raise Unavailable(f"{document.get('errorType', 'an error')}: {document.get('errorMessage', '')}")
    check_not_refused(document)
    return document
