import pytest

from operations.client import deployment as deployments
from operations.client.deployment import Deployment
from tests.unit.cli.explaining.answers import Function
from tests.unit.cli.shop import KEY, NAMES


@pytest.fixture
def function(deployment, pseudonyms, monkeypatch):
    function = Function(deployment)
    local = Deployment("shop", NAMES, function.client, lambda: KEY, is_local=True)
    monkeypatch.setattr(deployments, "resolve", lambda **_: local)
    return function
