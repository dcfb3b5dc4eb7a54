"""boto3 clients of Amazon Personalize whose requests are handled in this process."""

import functools
import io
from collections.abc import Callable, Iterator
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse


class RawBody(io.BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


@functools.cache
def _session() -> boto3.Session:
    """Return a session. The cache saves reading the description of the service for each client."""
    return boto3.Session(aws_access_key_id="a", aws_secret_access_key="b", region_name="eu-west-1")


def personalize_client(service: str, handle: Callable[[Any], dict[str, Any]]) -> Any:
    """Return a client. `handle` receives each request and returns the response of a Lambda function."""

    def respond(request: Any, **_: Any) -> AWSResponse:
        answer = handle(request)
        return AWSResponse(request.url, answer["statusCode"], answer["headers"], RawBody(answer["body"].encode()))

    client = _session().client(service)
    client.meta.events.register_first("before-send", respond)
    return client
