"""List of custom metrics, which equals the metrics that functions write."""

import ast
import functools
from pathlib import Path

import pytest

from alsolike.declarations.metrics import Metric
from alsolike.runtime.observability import API_SERVICE
from functions.attribute_outcomes.attribution_rules import Reason
from operations.metric_writers import CONDITIONS, METRICS, REASONS, Bounds, By, Rhythm, Written, declared

ROOT = Path(__file__).parents[3]
LIBRARY = ROOT / "layers" / "core" / "python"
FUNCTIONS = sorted(path.parent.name for path in (ROOT / "functions").glob("*/handler.py"))


def run_code(tree):
    """Yield the nodes of a module that run, without code below TYPE_CHECKING."""
    for node in ast.iter_child_nodes(tree):
        if not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
            yield node
            yield from run_code(node)


@functools.cache
def read(path):
    """Return the metrics that a module references, and the modules of `alsolike` that it imports."""
    metrics, imported = set(), set()
    for node in run_code(ast.parse(path.read_bytes())):
        match node:
            case ast.Attribute(value=ast.Name(id="Metric"), attr=name):
                metrics.add(Metric[name])
            case ast.ImportFrom(module=str(module), names=names) if module.startswith("alsolike."):
                imported.update({module, *(f"{module}.{name.name}" for name in names)})
    return frozenset(metrics), frozenset(imported - {"alsolike.runtime.observability"})


def sources(module):
    """Return the file of a module of `alsolike`, or an empty list for other names."""
    file = LIBRARY.joinpath(*module.split(".")).with_suffix(".py")
    return [file] if file.is_file() else []


def named_by(function):
    """Return every metric that the code of a function and of the imported modules of `alsolike` references."""
    waiting = list((ROOT / "functions" / function).rglob("*.py"))
    found: set[str] = set()
    seen = set(waiting)
    while waiting:
        metrics, imported = read(waiting.pop())
        found |= metrics
        new = {path for name in imported for path in sources(name)} - seen
        waiting.extend(new)
        seen |= new
    return found


@pytest.mark.parametrize("function", FUNCTIONS)
def test_function_writes_exactly_its_declared_metrics(function):
    shared = {each.metric for each in METRICS if each.service == API_SERVICE}

    assert named_by(function) - shared == {each.metric for each in METRICS if each.service == function}


def test_every_metric_and_every_function_is_declared_once():
    assert {each.metric for each in METRICS} == set(Metric)
    # `check_kafka` raises errors instead, which Lambda counts.
    assert {each.service for each in METRICS} == {*FUNCTIONS, API_SERVICE} - {"check_kafka"}
    assert len({(each.metric, each.service, each.by) for each in METRICS}) == len(METRICS)


def reported_dimensions(function):
    """Return the dimension names of each call of `report` and `count_by` in a function's code."""
    return {
        tuple(sorted(str(keyword.arg) for keyword in node.keywords))
        for path in (ROOT / "functions" / function).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("report", "count_by")
    }


@pytest.mark.parametrize("function", FUNCTIONS)
def test_function_reports_exactly_its_declared_dimensions(function):
    reported = {tuple(sorted(each.by)) for each in METRICS if each.service == function and each.by}

    assert reported_dimensions(function) - {()} == reported


def test_numbers_of_reasons_and_conditions_are_those_of_the_code():
    (table,) = [part for part in (ROOT / "docs" / "gate.md").read_text().split("\n\n") if part.startswith("| check |")]

    assert len(Reason) == REASONS
    assert len(table.splitlines()) - 2 == CONDITIONS


def test_metric_costs_the_hours_in_which_it_is_sent():
    bounds = Bounds(versions=2, arms=4, trainings=73)
    hourly = Written(Metric.EVENTS_ACCEPTED, "collect", Rhythm.HOURLY)
    rates = Written(Metric.CLICK_THROUGH, "attribute_outcomes", Rhythm.DAILY, (By.DIMENSION, By.NAME))
    gate = Written(Metric.GATE_NDCG, "register_model", Rhythm.TRAINING, (By.ROLE,))
    seldom = Written(Metric.EVENTS_AHEAD, "collect", Rhythm.SELDOM)

    assert hourly.usd(bounds) == pytest.approx(0.30)
    assert rates.series(bounds) == 1 + 8 + 2 + 4
    assert rates.usd(bounds) == pytest.approx(15 * 0.30 / 24)
    assert gate.usd(bounds) == pytest.approx(2 * 0.30 * 73 / 730)
    assert seldom.usd(bounds) == 0
    assert seldom.max_usd(bounds) == pytest.approx(0.30)


def test_metric_is_declared_only_with_all_its_dimensions():
    assert [each.service for each in declared("DriftPsi", ["figure", "service"])] == ["monitor_models"]
    assert declared("DriftPsi", ["service"]) == []
    assert declared("Clicks", ["service"]) == []
