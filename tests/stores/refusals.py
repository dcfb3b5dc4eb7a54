"""Error codes of rejected calls."""

from collections.abc import Callable

import pytest
from botocore.exceptions import ClientError


def refusal(call: Callable[..., object], **request: object) -> tuple[str, int]:
    """Return the error code and the HTTP status with which a call is rejected."""
    with pytest.raises(ClientError) as raised:
        call(**request)
    response = raised.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]
