"""Requests before moto answers: their access key, operation and parameters."""

import gzip
import html
import io
import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs

import orjson
from botocore.exceptions import BotoCoreError
from botocore.model import OperationNotFoundError
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import get_service_router
from moto.core.utils import get_service_model
from werkzeug.exceptions import HTTPException

from local_cloud.http_server import HttpResponse
from local_cloud.permissions.operations import Parameters, UnknownOperationError

_CREDENTIAL: Final = re.compile(r"Credential=([^/]+)/[^/]+/[^/]+/([^/]+)/")
_PREFIXES: Final = {"monitoring": "cloudwatch"}
"""Prefixes of IAM actions by the service's name in signatures. Only prefixes that differ are listed."""
_QUERY: Final = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Signer:
    """Access key of a request, and the prefix of the service's actions."""

    access_key: str
    service: str


class WsgiRequest(Request):
    """Request without Flask."""

    from_wsgi_server = True


def signer_of(environ: Mapping[str, Any]) -> Signer | None:
    """Return the signer of a request, or None if it is unsigned."""
    match = _CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", ""))
    if match is not None:
        return Signer(match[1], _PREFIXES.get(match[2], match[2]))
    presigned = parse_qs(environ.get("QUERY_STRING", ""))
    if "AWSAccessKeyId" in presigned:  # the older signature version of S3
        return Signer(presigned["AWSAccessKeyId"][0], "s3")
    parts = presigned.get("X-Amz-Credential", [""])[0].split("/")
    return Signer(parts[0], _PREFIXES.get(parts[3], parts[3])) if len(parts) == 5 else None


def decode(environ: Mapping[str, Any], body: bytes, service: str) -> tuple[str, Parameters]:
    """Return the operation of a request, such as `s3:GetObject`, and its parameters."""
    if service == "s3" and "delete" not in environ.get("QUERY_STRING", ""):
        body = b""  # only DeleteObjects names objects in the body
    elif environ.get("HTTP_CONTENT_ENCODING") == "gzip":
        body = gzip.decompress(body)
    if target := environ.get("HTTP_X_AMZ_TARGET"):
        return f"{service}:{target.rpartition('.')[2]}", orjson.loads(body or b"{}")
    request = WsgiRequest({**environ, "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))})
    try:
        return _decode(request, body, service)
    except (HTTPException, BotoCoreError, OperationNotFoundError, NotImplementedError) as error:
        raise UnknownOperationError(f"{service}: {request.method} {request.path}") from error


def _decode(request: Request, body: bytes, service: str) -> tuple[str, Parameters]:
    model = get_service_model(service)
    labels: dict[str, Any] = {}
    if (request.content_type or "").startswith(_QUERY):
        operation = model.operation_model(request.values["Action"])
    else:
        operation, labels = get_service_router(service).match(request)
    parser = PROTOCOL_PARSERS[determine_request_protocol(model, request.content_type)](operation)
    parameters = parser.parse(
        {
            "method": request.method,
            "values": request.values,
            "headers": request.headers,
            "body": body,
            "url_path": request.path,
            "url_params": labels,
        }
    )
    return f"{service}:{operation.name}", parameters


def access_denied(environ: Mapping[str, Any], message: str, service: str) -> HttpResponse:
    escaped = html.escape(message)
    if environ.get("HTTP_X_AMZ_TARGET"):
        document = json.dumps({"__type": "AccessDeniedException", "message": message})
        return _denied(400, "application/x-amz-json-1.1", document)
    if service == "s3":
        return _denied(403, "application/xml", f"<Error><Code>AccessDenied</Code><Message>{escaped}</Message></Error>")
    if environ.get("CONTENT_TYPE", "").startswith(_QUERY):
        code = "AuthorizationError" if service == "sns" else "AccessDenied"
        error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{escaped}</Message></Error>"
        document = f"<ErrorResponse>{error}<RequestId>{uuid.uuid4()}</RequestId></ErrorResponse>"
        return _denied(403, "application/xml", document)
    kind = ("x-amzn-ErrorType", "AccessDeniedException")
    return _denied(403, "application/json", json.dumps({"Message": message}), kind)


def _denied(status: int, content_type: str, document: str, *headers: tuple[str, str]) -> HttpResponse:
    request_id = str(uuid.uuid4())
    ids = ("x-amzn-RequestId", request_id), ("x-amz-request-id", request_id)
    return HttpResponse(status, (("Content-Type", content_type), *ids, *headers), document.encode())
