import itertools
import stat
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
import uv

from layers import contents
from layers.contents import Layer, LayerError, files, fill
from layers.notice import NOTICE, notice
from layers.target import Target
from layers.verification import check_size

INSTALLED = (
    "orjson/__init__.py", "orjson/__init__.pyi", "orjson/__pycache__/a.pyc", "orjson/tests/test_a.py", "bin/orjson",
    "orjson-3.dist-info/METADATA", "orjson-3.dist-info/RECORD", "orjson-3.dist-info/uv_cache.json",
    "orjson/headers/a.h", "orjson/tool.py",
)  # fmt: skip


@pytest.fixture
def commands(monkeypatch, tmp_path):
    commands: list[Sequence[str]] = []

    def install(command, **_):
        commands.append(command)
        for name in INSTALLED:
            write(Path(command[command.index("--target") + 1]) / name)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(contents, "ROOT", tmp_path / "repository")
    monkeypatch.setattr(uv, "find_uv_bin", lambda: "uv")
    monkeypatch.setattr(subprocess, "run", install)
    return commands


def write(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x = 1", encoding="utf-8")
    path.chmod(0o600)


def filled(folder, layer):
    fill(layer, Target("arm64"), folder)
    return [path.relative_to(folder).as_posix() for path in files(folder)]


def test_layer_has_its_packages_and_modules_without_unused_files(commands, tmp_path):
    layer = Layer("core", unused=("orjson/headers", "orjson/tool.py"))
    for name in ("alsolike/lake/partitions.py", "alsolike/__pycache__/partitions.pyc"):
        write(layer.directory / "python" / name)

    assert filled(tmp_path / "layer", layer) == [
        "python/alsolike/lake/partitions.py",
        "python/orjson-3.dist-info/METADATA",
        "python/orjson/__init__.py",
    ]


def test_packages_are_pinned_and_for_the_target(commands, tmp_path):
    layer = Layer("sentences")  # This layer has no modules.

    filled(tmp_path / "layer", layer)

    (command,) = commands
    assert {"--require-hashes", "--no-deps", "--only-binary"} <= set(command)
    options = dict(itertools.pairwise(command))
    assert options["--python-platform"] == "aarch64-manylinux_2_28"
    assert options["--requirements"] == str(layer.requirements[0])


def test_files_have_one_mode_and_one_time(commands, tmp_path):
    folder = tmp_path / "layer"

    filled(folder, Layer("core"))

    found = {(path.is_dir(), stat.S_IMODE(path.stat().st_mode), path.stat().st_mtime) for path in folder.rglob("*")}
    assert found == {(True, 0o755, 315_532_800.0), (False, 0o644, 315_532_800.0)}
    assert folder.stat().st_mtime == 315_532_800.0


def test_failed_installation_is_an_error_with_its_reason(commands, tmp_path, monkeypatch):
    refusal = subprocess.CompletedProcess[str]((), 1, stderr=" no hash\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: refusal)

    with pytest.raises(LayerError, match=r"layer core: .* cannot be installed for Python 3\.13 on .*:\nno hash$"):
        filled(tmp_path / "layer", Layer("core"))


def test_notice_has_the_libraries_of_the_locks():
    assert NOTICE.read_text() == notice(), "run `python -m layers.notice`"


def test_target_has_the_names_of_its_processor_for_each_tool():
    target = Target("arm64")

    assert (target.platform, target.python_version, target.elf_machine) == ("aarch64-manylinux_2_28", "3.13", 183)


def test_unknown_processor_is_refused():
    with pytest.raises(ValueError, match="architecture is 'riscv64', expected one of"):
        Target("riscv64")


def test_package_at_the_limit_of_lambda_is_accepted():
    assert check_size({"layer": 262_143_000, "function collect": 1_000}) == 262_144_000


def test_package_above_the_limit_of_lambda_is_refused_with_its_parts():
    with pytest.raises(LayerError, match=r"262,144,001 bytes .* Lambda's 262,144,000: layer 262,144,000, function x 1"):
        check_size({"layer": 262_144_000, "function x": 1})
