import http.server
import threading

import pytest
from botocore.config import Config

from alsolike.runtime.errors import Unavailable
from functions.recommend.state.bundles import BundleCache
from tests.fakes.places import REGION


class BreaksOff(http.server.BaseHTTPRequestHandler):
    """HTTP server that announces 100 bytes and sends 10."""

    def do_HEAD(self):
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.send_header("ETag", '"x"')
        self.end_headers()

    def do_GET(self):
        self.do_HEAD()
        self.wfile.write(b"0123456789")

    def log_message(self, format, *arguments):
        """Suppress log lines."""


@pytest.fixture
def endpoint():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), BreaksOff) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_interrupted_download_raises_unavailable_and_leaves_no_files(endpoint, boto3_session, tmp_path):
    config = Config(retries={"total_max_attempts": 1})
    s3 = boto3_session.client("s3", endpoint_url=endpoint, region_name=REGION, config=config)

    message = r"^s3://artefacts/models/v1/manifest\.json: 10 read, but total bytes expected is 100"
    with pytest.raises(Unavailable, match=message):
        BundleCache(s3, "artefacts", tmp_path).fetch("v1", remaining_ms=lambda: 20_000)

    assert list(tmp_path.iterdir()) == []
