"""Connection between HTTP requests and the function that answers them."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import urlsplit

from local_cloud.gateway.request import HttpRequest
from local_cloud.gateway.response import HttpResponse
from local_cloud.loopback_server import Exchange


def exchange(serve: Callable[[HttpRequest], HttpResponse]) -> type[Exchange]:
    """Return what answers the requests of a connection with `serve`."""

    class ServedExchange(Exchange):
        server_version = "local-cloud"
        sys_version = ""
        error_content_type = "application/json"
        error_message_format = '{"message":"%(message)s"}'

        def answer(self) -> None:
            # Python's server shortens the slashes at the beginning of `path`, and urlsplit takes two for a host.
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
