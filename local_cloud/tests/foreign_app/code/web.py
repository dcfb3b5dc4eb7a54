"""Handlers behind the HTTP API."""

import base64
import json
import os
import time
from typing import Any

import greeting  # type: ignore[import-not-found]
import markupsafe


def echo(event: dict[str, Any], context: Any) -> Any:
    """Answer with the event itself."""
    return {
        "statusCode": 200,
        "headers": {"Content-Type": "application/json", "X-Function-Arn": context.invoked_function_arn},
        "body": json.dumps(event),
    }


def answer(event: dict[str, Any], context: Any) -> Any:
    """Answer as the query asks."""
    kind = event.get("queryStringParameters", {}).get("kind", "")
    if kind == "plain":
        return {"greeting": greeting.hello("you"), "escaped": str(markupsafe.escape("<b>"))}
    if kind == "binary":
        return {"statusCode": 201, "body": base64.b64encode(bytes(range(256))).decode(), "isBase64Encoded": True}
    if kind == "cookies":
        return {"statusCode": 200, "cookies": ["a=1", "b=2"], "body": "with cookies"}
    if kind == "error":
        raise RuntimeError("no answer")
    if kind == "slow":
        time.sleep(5)
    if kind == "malformed":
        return {"statusCode": 200, "body": {"not": "a string"}}
    return {"statusCode": 204}


def decide(event: dict[str, Any], context: Any) -> Any:
    """Decide on a request by its key; return the principal and the request in the context."""
    key = event["identitySource"][0]
    if key == "broken":
        raise RuntimeError("no decision")
    if key == "vague":
        return {"isAuthorized": "perhaps"}
    return {"isAuthorized": key.startswith("open"), "context": {"who": key, "number": 7, "asked": event}}


def where(event: dict[str, Any], context: Any) -> Any:
    """Say in which process, with which temporary directory, this runs; take a while to overlap with others."""
    time.sleep(0.3)
    return {"pid": os.getpid(), "tmp": os.environ["TMPDIR"], "version": context.function_version}
