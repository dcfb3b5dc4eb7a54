"""The embedded cloud is a separate package. Its code, tests and texts do not refer to the rest of the repository."""

import ast
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "local_cloud"
OURS = {"alsolike"} | {folder.parent.name for folder in ROOT.glob("*/*.py")} | {"layers", "model_export", "tests"}


def project(folder):
    return tomllib.loads((folder / "pyproject.toml").read_text())["project"]


def imported(path):
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def test_package_imports_no_other_part_of_the_repository():
    modules = list(PACKAGE.rglob("*.py"))

    assert len(modules) > 200
    assert {"cli", "functions", "infra_cdk", "operations"} <= OURS
    assert [(str(path), name) for path in modules for name in imported(path) if name in OURS] == []


def test_package_does_not_name_the_product():
    files = [path for kind in ("py", "md", "toml") for path in PACKAGE.rglob(f"*.{kind}")]

    assert [str(path) for path in files if re.search("alsolike", path.read_text(), re.I)] == []


def test_extras_have_the_dependencies_of_the_package():
    ours, package = project(ROOT), project(PACKAGE)
    extras: dict[str, list[str]] = ours["optional-dependencies"]

    assert set(package["dependencies"]) - set(ours["dependencies"]) <= set(extras["local"])
    for name, dependencies in package["optional-dependencies"].items():
        assert set(dependencies) < set(extras[name])
