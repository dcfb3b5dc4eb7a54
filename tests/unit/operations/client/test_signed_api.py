"""Trust and proxies of signed requests to an API."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from alsolike.runtime.errors import Unavailable
from local_cloud.certificate import server_context
from operations.client.signed_api import SignedApi
from operations.doctor.deployment import post, probe
from operations.keys import KeyPair


class Echo(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")
        vars(self.server)["asked"].append(self.path)

    def log_message(self, *_):
        pass


@pytest.fixture
def http_server():
    with HTTPServer(("127.0.0.1", 0), Echo) as server:
        vars(server)["asked"] = []
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def tls_server(http_server, tmp_path):
    context, certificate = server_context(tmp_path)
    http_server.socket = context.wrap_socket(http_server.socket, server_side=True)
    http_server.certificate = certificate
    return http_server


def put_row(server):
    api = SignedApi(f"https://localhost:{server.server_port}", lambda: KeyPair("id", "secret"), region="eu-west-1")
    api._call("POST", "/items", {})


@pytest.mark.parametrize("variable", ["AWS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_requests_trust_certificates_of_the_environment(tls_server, monkeypatch, variable):
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    monkeypatch.setenv(variable, str(tls_server.certificate))

    put_row(tls_server)

    assert tls_server.asked == ["/personalize/items"]


def test_request_to_a_server_with_an_unknown_certificate_fails(tls_server):
    with pytest.raises(Unavailable, match="certificate verify failed"):
        put_row(tls_server)


def test_doctor_sends_its_request_through_the_proxy_of_the_environment(http_server, monkeypatch):
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{http_server.server_port}")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)

    assert post(probe("http://api.shop.example", region="eu-west-1")) == (200, "{}")
    assert http_server.asked == ["http://api.shop.example/personalize/recommendations"]
