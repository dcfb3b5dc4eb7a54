"""Moto server behind the proxy."""

import pytest
from moto.server import ThreadedMotoServer

from tests.slow.faults.proxy import FaultProxy
from tests.slow.faults.stores import Stores


@pytest.fixture(scope="session")
def _stores(tmp_path_factory):
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    proxy = FaultProxy(f"{host}:{port}")
    stores = Stores(f"http://{host}:{port}", proxy, tmp_path_factory.mktemp("handlers"))
    yield stores
    stores.close()
    proxy.close()
    server.stop()


@pytest.fixture
def stores(_stores):
    _stores.reset()
    return _stores
