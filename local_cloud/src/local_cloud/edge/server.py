"""Server of a distribution. It selects a behaviour by path, calls the bucket or HTTP API, and adds headers."""

import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from botocore.exceptions import ClientError

from local_cloud.edge.configuration import DistributionConfig, ResponseHeader
from local_cloud.http_server import HttpRequest, HttpResponse, HttpServer

Serve = Callable[[HttpRequest], HttpResponse]
_MISSING = {"NoSuchKey", "404"}


class DistributionServer(HttpServer):
    """Server of a distribution. `buckets` and `apis` are by host of the origin, and `policies` by ID."""

    def __init__(
        self,
        config: DistributionConfig,
        *,
        buckets: Mapping[str, str],
        apis: Mapping[str, Serve],
        policies: Mapping[str, Sequence[ResponseHeader]],
        s3: Any,
        localize: Callable[[str], str],
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._config = config
        self._buckets = buckets
        self._apis = apis
        self._policies = policies
        self._s3 = s3
        self._localize = localize
        super().__init__(port=port, tls=tls)

    def serve(self, request: HttpRequest) -> HttpResponse:
        if not self.is_addressed(request.header("Host")):
            # CloudFront also rejects unknown host names. This prevents other sites from impersonating the distribution.
            return _refusal(403, "the request is for no distribution here")
        path = f"/{self._config.root_object}" if request.path == "/" else request.path
        behavior = self._config.behavior(path)
        if request.method not in behavior.methods:
            response = _refusal(403, f"this distribution does not allow {request.method} here")
        elif behavior.origin.is_bucket:
            response = self._object(self._buckets[behavior.origin.host], path, request)
        else:
            headers = tuple((name, value) for name, value in request.headers if name.lower() != "host")
            response = self._apis[behavior.origin.host](replace(request, headers=headers))
        if behavior.headers_policy is None:
            return response
        return self._with_headers(response, self._policies[behavior.headers_policy])

    def _object(self, bucket: str, path: str, request: HttpRequest) -> HttpResponse:
        try:
            found = self._s3.get_object(Bucket=bucket, Key=unquote(path).removeprefix("/"))
        except ClientError as error:
            if error.response["Error"]["Code"] not in _MISSING:
                raise
            # S3's response to a caller who may not list the bucket.
            return HttpResponse(
                403,
                (("Content-Type", "application/xml"),),
                b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code></Error>',
            )
        headers = [("ETag", found["ETag"]), ("Content-Type", found["ContentType"])]
        if "CacheControl" in found:
            headers.append(("Cache-Control", found["CacheControl"]))
        if request.header("If-None-Match") == found["ETag"]:
            return HttpResponse(304, tuple(headers), b"")
        return HttpResponse(200, tuple(headers), found["Body"].read())

    def _with_headers(self, response: HttpResponse, policy: Sequence[ResponseHeader]) -> HttpResponse:
        present = {name.lower() for name, _ in response.headers}
        added = [header for header in policy if header.override or header.name not in present]
        names = {header.name for header in added}
        kept = [(name, value) for name, value in response.headers if name.lower() not in names]
        return replace(response, headers=(*kept, *((header.name, self._localize(header.value)) for header in added)))


def _refusal(status: int, reason: str) -> HttpResponse:
    return HttpResponse(status, (("Content-Type", "text/plain"),), reason.encode())
