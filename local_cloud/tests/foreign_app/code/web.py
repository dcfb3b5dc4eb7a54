"""Handlers behind the HTTP API."""

import base64
import json
import os
import time
from typing import Any

import greeting  # type: ignore[import-not-found]
import markupsafe


def echo(event: dict[str, Any], context: Any) -> Any:
    return {
        "statusCode": 200,
        "headers": {"Content-Type": "application/json", "X-Function-Arn": context.invoked_function_arn},
        "body": json.dumps(event),
    }


def answer(event: dict[str, Any], context: Any) -> Any:
    """Return a response, or raise an error, by `kind` in the query."""
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
    """Allow requests with a key that starts with `open`. Return the key and the event in the context."""
    key = event["identitySource"][0]
    return {"isAuthorized": key.startswith("open"), "context": {"who": key, "number": 7, "event": event}}


def where(event: dict[str, Any], context: Any) -> Any:
    """Return the process, temporary directory and version, after a wait that lets concurrent invocations overlap."""
    time.sleep(0.3)
    return {"pid": os.getpid(), "tmp": os.environ["TMPDIR"], "version": context.function_version}
