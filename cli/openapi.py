"""`alsolike openapi`: the API's description."""

from __future__ import annotations

import sys

import orjson

from alsolike.domain.configuration import DEFAULT


def openapi() -> None:
    """Print the OpenAPI description of the API.

    It is OpenAPI 3.1 with the default configuration.

    Example: alsolike openapi > openapi.json
    """
    from alsolike.api.openapi import description

    sys.stdout.buffer.write(orjson.dumps(description(DEFAULT), option=orjson.OPT_INDENT_2) + b"\n")
