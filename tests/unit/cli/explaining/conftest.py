import pytest

from tests.unit.cli.explaining.answers import replayed
from tests.unit.cli.stub_function import replace_functions


@pytest.fixture
def function(deployment, pseudonyms, monkeypatch):
    """Return a stub of the function `recommend` that replays every response with the items fig and plum."""
    return replace_functions(deployment, replayed("fig", "plum"), monkeypatch)
