"""Sample of the failover tests for CI: a health check moves a name."""

import http.server
import threading

import pytest

from tests.slow.failover.two_regions import Name

pytestmark = pytest.mark.ci
PRIMARY, REPLICA = "https://primary", "https://replica"


class Health(http.server.BaseHTTPRequestHandler):
    status = 200

    def do_GET(self):
        assert self.path == "/health"
        self.send_response(type(self).status)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def health():
    handler = type("Handler", (Health,), {})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield handler, server
        server.shutdown()


@pytest.fixture
def name(health):
    _, server = health
    url = f"http://127.0.0.1:{server.server_port}/health"
    return Name((PRIMARY, REPLICA), health_url=url, interval_s=60, threshold=3)


def urls(name, checks):
    found = []
    for _ in range(checks):
        name.check()
        found.append(name.url)
    return found


def test_name_moves_after_three_failures_and_back_after_three_successes(health, name):
    handler, _ = health

    assert urls(name, 3) == [PRIMARY] * 3
    handler.status = 503
    assert urls(name, 5) == [PRIMARY] * 2 + [REPLICA] * 3
    handler.status = 200
    assert urls(name, 4) == [REPLICA] * 2 + [PRIMARY] * 2


def test_single_failures_do_not_move_the_name(health, name):
    handler, _ = health
    found = []

    for handler.status in (503, 503, 200, 503, 503, 200):
        found += urls(name, 1)

    assert found == [PRIMARY] * 6


def test_primary_without_an_answer_loses_the_name(health, name):
    _, server = health
    server.shutdown()
    server.server_close()

    assert urls(name, 3) == [PRIMARY] * 2 + [REPLICA]
