"""Imports between the folders of tests. Helpers are modules without tests, and imports have one direction."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]


@cache
def imports():
    """Return pairs of files under `tests/` of which the first imports the second, relative to the repository."""
    return [
        (path.relative_to(ROOT), imported.relative_to(ROOT))
        for path in sorted((ROOT / "tests").rglob("*.py"))
        for name in _names(ast.parse(path.read_bytes()))
        if name.startswith("tests.") and (imported := ROOT.joinpath(*name.split(".")).with_suffix(".py")).is_file()
    ]


def _names(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_no_file_imports_a_test_module():
    offenders = [f"{path} imports {imported}" for path, imported in imports() if imported.name.startswith("test_")]

    assert offenders == []


def test_no_two_folders_import_each_other():
    pairs = {(path.parent, imported.parent) for path, imported in imports()}

    assert [f"{one} and {other}" for one, other in sorted(pairs) if one < other and (other, one) in pairs] == []


def test_unit_tests_import_no_booted_cloud_and_no_slow_test():
    above = (Path("tests/system"), Path("tests/slow"), Path("tests/booted"))

    assert [
        f"{path} imports {imported}"
        for path, imported in imports()
        if path.is_relative_to("tests/unit") and any(imported.is_relative_to(folder) for folder in above)
    ] == []
