"""The entry point of the training job, as SageMaker starts it."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import orjson
import pytest

from alsolike.bundle.bundle import Bundle
from tests.unit.model_export.shops import tiny_shop

ROOT = Path(__file__).parents[3]
EXAMPLE = re.search(r"```python\n(.*?)```", (ROOT / "docs/algorithms.md").read_text(), re.DOTALL)[1]  # type: ignore[index]


def start_job(base: Path, hyperparameters: dict[str, str]) -> subprocess.CompletedProcess[str]:
    (base / "input/config").mkdir(parents=True, exist_ok=True)
    (base / "input/config/hyperparameters.json").write_bytes(orjson.dumps(hyperparameters))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["sh", str(ROOT / "model_export/entrypoint.sh")],
        env={**os.environ, "SAGEMAKER_BASE_DIR": str(base), "PATH": path},
        cwd=base,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.ci
def test_the_job_leaves_a_bundle_in_the_model_directory(tmp_path: Path) -> None:
    tiny_shop(tmp_path / "input/data/dataset")

    finished = start_job(tmp_path, {"run_id": "job-1", "algorithms": "popularity,transitions"})

    assert finished.returncode == 0, finished.stderr
    assert Bundle(tmp_path / "model").manifest.version == "job-1"
    assert "ndcg_at_10=" in finished.stdout
    assert not (tmp_path / "output/failure").exists()


def test_training_job_imports_the_package_of_its_channel(tmp_path: Path) -> None:
    base = tmp_path / "ml"
    tiny_shop(base / "input/data/dataset")
    (base / "input/data/package").mkdir()
    with zipfile.ZipFile(base / "input/data/package/asset.zip", "w") as archive:
        archive.writestr("newcomers_own.py", EXAMPLE)

    done = start_job(base, {"algorithms": "newcomers"})

    assert done.returncode == 0, done.stdout + done.stderr
    assert Bundle(base / "model").manifest.algorithm == "newcomers"
