"""Cache of assemblies. Its key covers every input, and its entries are complete and undamaged."""

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from infra_cdk import app, assembly


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "repository"
    for name, text in {
        "functions/collect/handler.py": "x = 1",
        "infra_cdk/app.py": "y = 1",
        "layers/core/requirements.txt": "orjson==3.0",
        "layers/core/python/alsolike/declarations/routes.py": "r = 1",
        "model_export/entrypoint.sh": "exec python",
        "operations/ingest/rows.py": "o = 1",
        "operations/prices.py": "p = 1",
        "tests/test_app.py": "z = 1",
        "web/src/main.ts": "w = 1",
        "cli/main.py": "m = 1",
        "build/layers/core/python/core.py": "c = 1",
        ".venv/packages/aws_cdk_lib-2.275.0.dist-info/METADATA": "",
        "model/config.json": "{}",
        "model/model.safetensors": "weights",
        "model/tokenizer.json": "{}",
    }.items():
        write(root / name, text)
    settings = {"region": "eu-west-1", "sentence_model": str(root / "model")}
    environments = {"demo": settings, "copy": settings}
    context = {"environment": "demo", "environments": environments, "@aws-cdk/core:flag": True}
    write(root / "cdk.json", json.dumps({"context": context}))
    return root


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def digest(root, *, environment=None, **overrides):
    layers, packages = root / "build" / "layers", root / ".venv" / "packages"
    return assembly.inputs_digest(
        environment=environment, layers=layers, root=root, packages=packages, overrides=overrides
    )


def replace(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    write(path, text.replace(old, new))


def upgrade(root):
    packages = root / ".venv" / "packages"
    (packages / "aws_cdk_lib-2.275.0.dist-info").rename(packages / "aws_cdk_lib-2.276.0.dist-info")


CHANGES: dict[str, Callable[[Path], object]] = {
    "function": lambda root: write(root / "functions/collect/handler.py", "x = 2"),
    "stack": lambda root: write(root / "infra_cdk/app.py", "y = 2"),
    "declaration": lambda root: write(root / "layers/core/python/alsolike/declarations/routes.py", "r = 2"),
    "training": lambda root: write(root / "model_export/entrypoint.sh", "exec python3"),
    "package in a function": lambda root: write(root / "operations/ingest/rows.py", "o = 2"),
    "price": lambda root: write(root / "operations/prices.py", "p = 2"),
    "new file": lambda root: write(root / "functions/collect/new.py", ""),
    "new folder": lambda root: write(root / "functions/observe/handler.py", ""),
    "removed file": lambda root: (root / "functions/collect/handler.py").unlink(),
    "renamed file": lambda root: (root / "infra_cdk/app.py").rename(root / "infra_cdk/other.py"),
    "new link": lambda root: (root / "functions/collect/link.py").symlink_to("handler.py"),
    "permissions": lambda root: (root / "functions/collect/handler.py").chmod(0o755),
    "requirements of a layer": lambda root: write(root / "layers/core/requirements.txt", "orjson==3.1"),
    "built layer": lambda root: write(root / "build/layers/core/python/core.py", "c = 2"),
    "hidden file of a built layer": lambda root: write(root / "build/layers/core/python/.hidden", ""),
    "sentence model": lambda root: write(root / "model/model.safetensors", "others"),
    "setting": lambda root: replace(root / "cdk.json", "eu-west-1", "eu-central-1"),
    "flag of the CDK": lambda root: replace(root / "cdk.json", "true", "false"),
    "default environment": lambda root: replace(root / "cdk.json", '"environment": "demo"', '"environment": "copy"'),
    "version of a dependency": upgrade,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_changed_input_changes_the_digest(root, change):
    before = digest(root)
    change(root)
    assert digest(root) != before


def test_changed_own_algorithms_change_the_digest(root, monkeypatch):
    monkeypatch.setattr("infra_cdk.constructs.own_algorithms.ROOT", root)
    write(root / "own/newcomers.py", "n = 1")
    before = digest(root, training_package="own")
    write(root / "own/newcomers.py", "n = 2")
    assert digest(root, training_package="own") != before != digest(root)


def test_environment_name_changes_the_digest(root):
    assert digest(root, environment="demo") == digest(root) != digest(root, environment="copy")


def test_overridden_setting_changes_the_digest(root):
    assert digest(root, time_budget_ms=0) != digest(root) != digest(root, time_budget_ms=1)


def test_jsii_variable_changes_the_digest(root, monkeypatch):
    before = digest(root)
    monkeypatch.setenv("JSII_RUNTIME", "other")
    assert digest(root) != before


@pytest.mark.parametrize(
    "path",
    [
        "tests/test_app.py", "web/src/main.ts", "cli/main.py", "orders.csv", "shop/data/cloud.sqlite",
        "functions/collect/__pycache__/handler.pyc", "build/web/index.html", "cdk.out/manifest.json",
    ],
)  # fmt: skip
def test_file_unused_by_the_synthesis_keeps_the_digest(root, path):
    before = digest(root)
    write(root / path, "changed")
    assert digest(root) == before


def test_aws_variables_keep_the_digest(root, monkeypatch):
    before = digest(root)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ALSO1")
    monkeypatch.setenv("CDK_DEFAULT_ACCOUNT", "210987654321")
    assert digest(root) == before


class Synthesis:
    def __init__(self, cache):
        self.cache = cache
        self.inputs = "a" * 64
        self.runs = 0

    def __call__(self, *, kept=2):
        return assembly.cached(self.cache, digest=lambda: self.inputs, write=self.write, kept=kept)

    def write(self, outdir):
        self.runs += 1
        write(outdir / "manifest.json", self.inputs)
        write(outdir / "asset.1/handler.py", "x = 1")


@pytest.fixture
def synthesis(tmp_path):
    return Synthesis(tmp_path / "assemblies")


def test_assembly_of_the_same_inputs_is_reused(synthesis):
    assert synthesis() == synthesis()
    assert synthesis.runs == 1


def test_other_inputs_give_another_assembly(synthesis):
    first = synthesis()
    synthesis.inputs = "b" * 64
    second = synthesis()

    assert [(folder / "manifest.json").read_text() for folder in (first, second)] == ["a" * 64, "b" * 64]
    synthesis.inputs = "a" * 64
    assert synthesis() == first
    assert synthesis.runs == 2


def test_interrupted_synthesis_leaves_no_assembly(synthesis, monkeypatch):
    def interrupted(outdir):
        write(outdir / "manifest.json", "half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(synthesis, "write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            synthesis()

    assert list(synthesis.cache.iterdir()) == []
    assert (synthesis() / "manifest.json").read_text() == "a" * 64


def test_inputs_changed_during_the_synthesis_raise_inputs_changed(synthesis, monkeypatch):
    def write_edited(outdir):
        outdir.mkdir()
        synthesis.inputs = "b" * 64

    monkeypatch.setattr(synthesis, "write", write_edited)
    with pytest.raises(assembly.InputsChanged, match="run the command again"):
        synthesis()

    assert list(synthesis.cache.iterdir()) == []


def test_cache_keeps_the_most_recently_used_assemblies(synthesis):
    entries = []
    for age_s, letter in ((300, "a"), (200, "b")):
        synthesis.inputs = letter * 64
        entries.append(synthesis())
        os.utime(entries[-1], (time.time() - age_s, time.time() - age_s))
    synthesis.inputs = "a" * 64
    synthesis()
    synthesis.inputs = "c" * 64
    entries.append(synthesis())

    assert sorted(synthesis.cache.iterdir()) == [entries[0], entries[2]]


@pytest.mark.parametrize("keep", ["0", "-1"])
def test_cache_must_keep_at_least_one_assembly(tmp_path, capsys, keep):
    with pytest.raises(SystemExit) as ended:
        assembly.main(["--cache", str(tmp_path), "--keep", keep])

    assert ended.value.code == 2
    assert f"argument --keep: {keep} is below 1" in capsys.readouterr().err


def test_files_of_a_killed_synthesis_are_deleted(synthesis):
    old, running = synthesis.cache / ".writing-old", synthesis.cache / ".writing-now"
    for folder in (old, running):
        write(folder / "assembly/manifest.json", "half")
    os.utime(old, (0, 0))

    for letter in "ab":
        synthesis.inputs = letter * 64
        synthesis(kept=1)

    assert (old.exists(), running.exists()) == (False, True)


def test_interrupted_deletion_leaves_no_assembly(synthesis, monkeypatch):
    first, delete = synthesis(), shutil.rmtree

    def interrupted(path, **options):
        if first.name in Path(path).name:
            (Path(path) / "manifest.json").unlink()
            raise KeyboardInterrupt
        delete(path, **options)

    synthesis.inputs = "b" * 64
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", interrupted)
        with pytest.raises(KeyboardInterrupt):
            synthesis(kept=1)

    synthesis.inputs = "a" * 64
    assert (synthesis() / "manifest.json").read_text() == "a" * 64


def options(folder):
    return ["--environment", "demo", "--cache", str(folder / "cache"), "--layers", str(folder / "layers")]


def test_command_synthesizes_once_without_aws_variables(tmp_path, monkeypatch, capsys):
    calls: list[list[str]] = []

    def synthesize(arguments):
        calls.append([*arguments, *(name for name in os.environ if name.startswith(("AWS_", "CDK_")))])
        write(Path(arguments[arguments.index("--outdir") + 1]) / "manifest.json", "{}")
        return 0

    monkeypatch.setattr(app, "main", synthesize)
    monkeypatch.setattr(os, "environ", {**os.environ, "CDK_CONTEXT_JSON": "{}", "AWS_REGION": "eu-west-1"})
    command = [*options(tmp_path), "--settings", '{"time_budget_ms": 0}']

    assert [assembly.main(command), assembly.main(command)] == [0, 0]

    first, second = capsys.readouterr().out.splitlines()
    assert first == second
    assert (Path(first) / "manifest.json").is_file()
    (call,) = calls
    assert call[:2] == ["--environment", "demo"]
    assert call[call.index("--settings") + 1] == '{"time_budget_ms": 0}'
    assert call[-1] == "--skip-template-check"


def test_command_reports_invalid_settings(tmp_path, capsys):
    assert assembly.main([*options(tmp_path), "--environment", "staging"]) == 1
    assert "error: environment 'staging' is not in cdk.json" in capsys.readouterr().err


def test_failed_synthesis_exits_with_its_status(tmp_path, monkeypatch):
    monkeypatch.setattr(app, "main", lambda arguments: 1)
    monkeypatch.setattr(os, "environ", dict(os.environ))

    with pytest.raises(SystemExit) as ended:
        assembly.main(options(tmp_path))

    assert ended.value.code == 1
    assert list((tmp_path / "cache").iterdir()) == []
