"""Entry point of the training job, as SageMaker starts it."""

import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import orjson
import pytest

from alsolike.bundle.bundle import Bundle
from infra_cdk.regions import TRAINING_IMAGES
from layers import build as build_command
from layers.build import build
from layers.contents import TRAINING
from layers.target import host_target
from tests.unit.model_export.shops import tiny_shop

ROOT = Path(__file__).parents[3]
EXAMPLE = re.search(r"```python\n(.*?)```", (ROOT / "docs/algorithms.md").read_text(), re.DOTALL)[1]  # type: ignore[index]


def start_job(base, hyperparameters, *, python=Path(sys.executable), **environment):
    (base / "input/config").mkdir(parents=True, exist_ok=True)
    (base / "input/config/hyperparameters.json").write_bytes(orjson.dumps(hyperparameters))
    path = f"{python.parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["sh", str(ROOT / "model_export/entrypoint.sh")],
        env={**os.environ, "SAGEMAKER_BASE_DIR": str(base), "PATH": path, **environment},
        cwd=base,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.ci
def test_training_job_writes_a_bundle_to_the_model_directory(tmp_path):
    tiny_shop(tmp_path / "input/data/dataset")

    finished = start_job(tmp_path, {"run_id": "job-1", "algorithms": "popularity,transitions"})

    assert finished.returncode == 0, finished.stderr
    assert Bundle(tmp_path / "model").manifest.version == "job-1"
    assert "ndcg_at_10=" in finished.stdout
    assert not (tmp_path / "output/failure").exists()


def test_training_job_imports_the_package_of_its_channel(tmp_path):
    base = tmp_path / "ml"
    tiny_shop(base / "input/data/dataset")
    (base / "input/data/package").mkdir()
    with zipfile.ZipFile(base / "input/data/package/asset.zip", "w") as archive:
        archive.writestr("newcomers_own.py", EXAMPLE)

    done = start_job(base, {"algorithms": "newcomers"})

    assert done.returncode == 0, done.stdout + done.stderr
    assert Bundle(base / "model").manifest.algorithm == "newcomers"


@pytest.mark.skipif(host_target() is None, reason="the packages are for Linux")
def test_isolated_job_installs_packages_from_its_channel(tmp_path):
    base = tmp_path / "ml"
    tiny_shop(base / "input/data/dataset")
    venv.create(tmp_path / "bare", with_pip=True)
    no_index = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", "PYTHONPATH": ""}
    target = host_target()
    assert target is not None

    def start():
        return start_job(base, {"algorithms": "popularity"}, python=tmp_path / "bare/bin/python3", **no_index)

    assert "No matching distribution found" in start().stderr
    folder = build(TRAINING, target, tmp_path / "built")
    (base / "input/data/packages").mkdir()
    shutil.make_archive(str(base / "input/data/packages/asset"), "zip", folder)
    done = start()

    assert done.returncode == 0, done.stdout + done.stderr
    assert "installing" not in done.stdout
    assert Bundle(base / "model").manifest.algorithm == "popularity"


@pytest.mark.skipif(sys.platform != "linux", reason="the packages are for Linux")
def test_training_packages_are_for_the_python_of_the_aws_image(tmp_path):
    assert build_command.main(["training", "--output", str(tmp_path)]) == 0

    python = tmp_path / "training-x86_64/python"
    names = {path.name for path in python.rglob("*.so")}
    assert "onnxruntime_pybind11_state.cpython-312-x86_64-linux-gnu.so" in names
    assert not [name for name in names if "cpython-3" in name and "-312-" not in name]
    for package in ("numpy", "scipy", "onnx", "onnxruntime", "orjson", "pyarrow", "model2vec", "tokenizers"):
        assert (python / package).is_dir(), package
    assert "-py312-" in TRAINING_IMAGES["eu-west-1"]
