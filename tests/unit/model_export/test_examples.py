"""The examples in docstrings are true."""

import doctest
from types import ModuleType

import pytest

from model_export import metrics, recency


@pytest.mark.parametrize("module", [metrics, recency], ids=lambda module: module.__name__)
def test_the_examples_of_a_module_are_true(module: ModuleType) -> None:
    results = doctest.testmod(module)

    assert results.attempted > 0
    assert results.failed == 0
