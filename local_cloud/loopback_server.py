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
    """One connection; subclasses define how every request on it is answered."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # one packet an answer

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):  # the base class looks for one method a verb, whatever that is
            return self.answer
        raise AttributeError(name)

    def answer(self) -> None:
        """Answer one request by calling `reply`."""
        raise NotImplementedError

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: who asks is no news."""

    def reply(
        self,
        status: int,
        body: bytes = b"",
        headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
    ) -> None:
        """Send a whole answer."""
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
    """Server of `exchange` from a thread until it is stopped, with one more thread per connection.

    Parameters
    ----------
    port
        Port to listen on; 0 for any free one.
    tls
        Serves HTTPS with these settings, HTTP without.
    """

    request_queue_size = 128

    def __init__(self, exchange: type[Exchange], *, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        super().__init__((ADDRESS, port), exchange)
        self._scheme = "https" if tls else "http"
        if tls:  # the connection's own thread shakes hands, at its first read
            self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(
            # The default poll of 0.5 s would be what each stop waits for.
            target=lambda: self.serve_forever(poll_interval=0.05),
            name=f"http-{self.server_port}",
            daemon=True,
        )
        self._thread.start()

    @property
    def url(self) -> str:
        """The server's address."""
        return f"{self._scheme}://{ADDRESS}:{self.server_port}"

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread of its own, and accept the next one before that thread runs.

        `threading.Thread` would wait until it does: with several busy threads, connections would queue for seconds.
        """
        _thread.start_new_thread(self.process_request_thread, (request, client_address))

    def is_addressed(self, host: str | None) -> bool:
        """Say whether a ``Host`` header names this server, not a name that another site has made to lead here."""
        return host in (f"{ADDRESS}:{self.server_port}", f"localhost:{self.server_port}")

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that went away or do not trust the certificate; print every other error."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, ssl.SSLError)):
            super().handle_error(request, client_address)

    def stop(self) -> None:
        """Stop listening; connections that are open end with the process."""
        self.shutdown()
        self.server_close()
        self._thread.join()
