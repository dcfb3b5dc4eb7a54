import pytest

from operations.batch import batch_client
from operations.client import deployment as deployments
from operations.client.deployment import Deployment
from tests.unit.cli.command_line import run
from tests.unit.cli.recommending.answering import Function
from tests.unit.cli.shop import KEY, NAMES


@pytest.fixture
def function(monkeypatch):
    function = Function()
    deployment = Deployment("shop", NAMES, lambda service: function, lambda: KEY, is_local=True)
    monkeypatch.setattr(deployments, "resolve", lambda **_: deployment)
    monkeypatch.setattr(batch_client.BatchClient.__init__, "__kwdefaults__", {"first_pause_s": 0.0})
    return function


@pytest.fixture
def recommend(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lambda *arguments, **options: run("recommend", *arguments, catch_exceptions=True, **options)
