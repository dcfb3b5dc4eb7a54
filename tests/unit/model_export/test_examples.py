"""Examples in docstrings of every package."""

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PACKAGES = [(ROOT, name) for name in ("benchmarks", "cli", "functions", "infra_cdk", "model_export", "operations")] + [
    (ROOT / "layers/core/python", "alsolike"),
    (ROOT / "local_cloud/src", "local_cloud"),
]


def modules_with_examples():
    """Return the names of modules with examples, found by text, because importing all modules would take seconds."""
    return [
        ".".join(path.relative_to(base).with_suffix("").parts)
        for base, package in PACKAGES
        for path in sorted((base / package).rglob("*.py"))
        if any(">>> " in line and "doctest: +SKIP" not in line for line in path.read_text().splitlines())
    ]


def test_examples_are_collected_from_every_package():
    found = {name.split(".")[0] for name in modules_with_examples()}

    assert {"alsolike", "functions", "infra_cdk", "model_export"} <= found


@pytest.mark.parametrize("name", modules_with_examples())
def test_documented_examples_of_a_module_are_true(name):
    results = doctest.testmod(importlib.import_module(name))

    assert results.attempted > 0
    assert results.failed == 0
