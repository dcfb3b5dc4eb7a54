"""Adapter between HTTP connections and a function that returns responses."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import urlsplit

from local_cloud.gateway.request import HttpRequest
from local_cloud.gateway.response import HttpResponse
from local_cloud.loopback_server import Exchange


def exchange(serve: Callable[[HttpRequest], HttpResponse]) -> type[Exchange]:
    """Return a connection handler that serves requests with `serve`."""

    class ServedExchange(Exchange):
        server_version = "local-cloud"
        sys_version = ""
        error_content_type = "application/json"
        error_message_format = '{"message":"%(message)s"}'

        def answer(self) -> None:
            # Python's server shortens leading slashes in `path`, and urlsplit would parse two slashes as a host.
            path, _, query = self.requestline.split(" ")[1].partition("?")
            path = path if path.startswith("/") else urlsplit(path).path
            response = serve(
                HttpRequest(
                    method=self.command,
                    path=path or "/",
                    query=query,
                    headers=self.headers.items(),
                    body=self.read_body(),
                    source_ip=self.client_address[0],
                    protocol=self.request_version,
                    request_id=uuid.uuid4().hex,
                    received=datetime.now(UTC),
                )
            )
            self.reply(response.status, response.body, response.headers)

    return ServedExchange
