import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from infra_cdk import app, assembly


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Write a repository with a setting, sources, a built layer and an installed distribution."""
    root = tmp_path / "repository"
    for name, text in {
        "functions/collect/handler.py": "x = 1",
        "infra_cdk/app.py": "y = 1",
        "layers/core/requirements.txt": "orjson==3.0",
        "tests/test_app.py": "z = 1",
        "build/layers/core/python/core.py": "c = 1",
        ".venv/packages/aws_cdk_lib-2.275.0.dist-info/METADATA": "",
        "model/config.json": "{}",
        "model/model.safetensors": "weights",
        "model/tokenizer.json": "{}",
    }.items():
        write(root / name, text)
    settings = {"region": "eu-west-1", "sentence_model": str(root / "model")}
    write(root / "cdk.json", json.dumps({"context": {"environment": "demo", "environments": {"demo": settings}}}))
    return root


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def digest(root: Path, *, environment: str | None = None, **overrides: object) -> str:
    return assembly.inputs_digest(
        environment=environment,
        layers=root / "build" / "layers",
        outdir=root / "out",
        root=root,
        packages=root / ".venv" / "packages",
        overrides=overrides,
    )


def change_region(root: Path) -> None:
    write(root / "cdk.json", (root / "cdk.json").read_text(encoding="utf-8").replace("eu-west-1", "eu-central-1"))


def upgrade(root: Path) -> None:
    packages = root / ".venv" / "packages"
    (packages / "aws_cdk_lib-2.275.0.dist-info").rename(packages / "aws_cdk_lib-2.276.0.dist-info")


CHANGES: dict[str, Callable[[Path], object]] = {
    "function": lambda root: write(root / "functions/collect/handler.py", "x = 2"),
    "stack": lambda root: write(root / "infra_cdk/app.py", "y = 2"),
    "new file": lambda root: write(root / "functions/collect/new.py", ""),
    "removed file": lambda root: (root / "functions/collect/handler.py").unlink(),
    "renamed file": lambda root: (root / "infra_cdk/app.py").rename(root / "infra_cdk/other.py"),
    "permissions": lambda root: (root / "functions/collect/handler.py").chmod(0o755),
    "requirements of a layer": lambda root: write(root / "layers/core/requirements.txt", "orjson==3.1"),
    "built layer": lambda root: write(root / "build/layers/core/python/core.py", "c = 2"),
    "hidden file of a built layer": lambda root: write(root / "build/layers/core/python/.hidden", ""),
    "sentence model": lambda root: write(root / "model/model.safetensors", "others"),
    "setting": change_region,
    "version of a dependency": upgrade,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_changed_input_changes_the_digest(root: Path, change: Callable[[Path], object]) -> None:
    before = digest(root)
    change(root)
    assert digest(root) != before


def test_environment_and_variables_of_the_cdk_change_the_digest(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = digest(root)
    assert digest(root, environment="demo") != before
    monkeypatch.setenv("CDK_DEFAULT_ACCOUNT", "210987654321")
    assert digest(root) != before


def test_overridden_setting_changes_the_digest(root: Path) -> None:
    assert digest(root, time_budget_ms=0) != digest(root) != digest(root, time_budget_ms=1)


def test_what_is_no_input_leaves_the_digest(root: Path) -> None:
    before = digest(root)
    write(root / "tests/test_app.py", "z = 2")
    write(root / "functions/collect/__pycache__/handler.pyc", "compiled")
    write(root / "out/manifest.json", "{}")
    assert digest(root) == before


def test_assembly_is_current_until_it_or_its_inputs_change(tmp_path: Path) -> None:
    write(tmp_path / "manifest.json", "{}")
    assert not assembly.is_current(tmp_path, "inputs")
    assembly.mark(tmp_path, "inputs")
    assert assembly.is_current(tmp_path, "inputs")
    assert not assembly.is_current(tmp_path, "other inputs")
    write(tmp_path / "manifest.json", '{"version": 1}')
    assert not assembly.is_current(tmp_path, "inputs")


def test_only_a_complete_synthesis_of_unchanged_inputs_is_reused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outdir, statuses, inputs = tmp_path / "out", [1, 0, 0], iter("aaabbbb")

    def synthesize(arguments: Sequence[str]) -> int:
        write(outdir / "manifest.json", " ".join(arguments))
        return statuses.pop(0)

    monkeypatch.setattr(app, "main", synthesize)
    monkeypatch.setattr(assembly, "inputs_digest", lambda **_: next(inputs))
    command = ["--environment", "demo", "--outdir", str(outdir), "--settings", '{"time_budget_ms": 0}']
    assert assembly.main(command) == 1  # fails: not recorded
    assert assembly.main(command) == 0  # inputs change from a to b meanwhile: not recorded
    assert assembly.main(command) == 0
    assert statuses == []
    assert '--settings {"time_budget_ms": 0}' in (outdir / "manifest.json").read_text(encoding="utf-8")
    assert assembly.main(command) == 0  # reused
    shutil.rmtree(outdir)
    statuses.append(0)
    inputs = iter("bb")
    monkeypatch.setattr(assembly, "inputs_digest", lambda **_: next(inputs))
    assert assembly.main(command) == 0
    assert statuses == []
