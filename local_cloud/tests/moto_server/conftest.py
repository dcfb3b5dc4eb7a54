import functools
import logging
import urllib.request

import pytest

from moto_cloud import MotoCloud, moto_server


@pytest.fixture(scope="session")
def moto_endpoint():
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with moto_server() as endpoint:
        yield endpoint


@pytest.fixture
def cloud(moto_endpoint, tmp_path):
    urllib.request.urlopen(f"{moto_endpoint}/moto-api/reset", data=b"").close()
    return MotoCloud(endpoint=moto_endpoint, directory=tmp_path / "cdk.out")


@pytest.fixture
def undone_changes(monkeypatch):
    """Restore the members of moto that changes replace after the test."""
    restoring = functools.partial(monkeypatch.setattr, raising=False)
    monkeypatch.setattr("local_cloud.moto_changes.change.setattr", restoring, raising=False)
