import http.client

import pytest

from local_cloud.loopback_server import Exchange, LoopbackServer


class _Echo(Exchange):
    def answer(self) -> None:
        self.reply(200, self.command.encode())


@pytest.mark.parametrize("method", ["GET", "TRACE", "QUERY", "PROPFIND"])
def test_every_method_is_answered(method: str) -> None:
    server = LoopbackServer(_Echo)
    try:
        connection = http.client.HTTPConnection(server.url.removeprefix("http://"))
        connection.request(method, "/")

        answer = connection.getresponse()

        assert (answer.status, answer.read()) == (200, method.encode())
    finally:
        server.stop()
