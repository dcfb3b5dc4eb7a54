import pytest

from tests.unit.cli.explaining.answers import replayed
from tests.unit.cli.stub_function import replace_functions


@pytest.fixture
def function(deployment, pseudonyms, monkeypatch):
    """Return the function `recommend`. Its replays have the items of the logged responses."""
    return replace_functions(deployment, replayed("fig", "plum"), monkeypatch)
