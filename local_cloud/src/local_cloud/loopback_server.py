"""A small HTTP/1.1 server on a port of the loopback interface."""

import _thread
import http.server
import ssl
import sys
import threading
from collections.abc import Iterable, Mapping
from typing import Any

from local_cloud.http_requests import RequestHandler
from local_cloud.ports import ADDRESS


class Exchange(RequestHandler):
    """Connection whose subclasses define the response to each request."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # Buffered: one packet per response.

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):  # The base class looks for one method per HTTP verb; each of them is `answer`.
            return self.answer
        raise AttributeError(name)

    def answer(self) -> None:
        """Answer a request by calling `reply`."""
        raise NotImplementedError

    def log_message(self, format: str, *args: Any) -> None:
        """Write nothing: requests are not logged."""

    def reply(
        self,
        status: int,
        body: bytes = b"",
        headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
    ) -> None:
        """Send a complete response."""
        self.send_response(status)
        for name, value in headers.items() if isinstance(headers, Mapping) else headers:
            self.send_header(name, value)
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and status not in (204, 304):
            self.wfile.write(body)
        self.wfile.flush()


class LoopbackServer(http.server.ThreadingHTTPServer):
    """Server that runs `exchange` in a thread until it is stopped, with one more thread per connection.

    Parameters
    ----------
    port
        Port to listen on; 0 selects any free port.
    tls
        Serves HTTPS with these settings, HTTP without.
    """

    request_queue_size = 128

    def __init__(self, exchange: type[Exchange], *, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        super().__init__((ADDRESS, port), exchange)
        self._scheme = "https" if tls else "http"
        if tls:  # The thread of the connection performs the handshake at its first read.
            self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(
            # Each stop waits for one poll; the default interval is 0.5 s.
            target=lambda: self.serve_forever(poll_interval=0.05),
            name=f"http-{self.server_port}",
            daemon=True,
        )
        self._thread.start()

    @property
    def url(self) -> str:
        """Return the server's address."""
        return f"{self._scheme}://{ADDRESS}:{self.server_port}"

    def process_request(self, request: Any, client_address: Any) -> None:
        """Start a thread that serves a connection, without waiting until the thread runs.

        `threading.Thread` waits for the start: with several busy threads, connections would queue for seconds.
        """
        _thread.start_new_thread(self.process_request_thread, (request, client_address))

    def is_addressed(self, host: str | None) -> bool:
        """Return true if a ``Host`` header names this server, not a foreign name that resolves to this machine."""
        return host in (f"{ADDRESS}:{self.server_port}", f"localhost:{self.server_port}")

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that disconnected or do not trust the certificate; print every other error."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, ssl.SSLError)):
            super().handle_error(request, client_address)

    def stop(self) -> None:
        """Stop listening; open connections end with the process."""
        self.shutdown()
        self.server_close()
        self._thread.join()
