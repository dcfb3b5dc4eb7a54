"""The wheel, installed in a fresh environment, works against a deployment; a booted cloud is that deployment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.booted.assemblies import synthesized
from tests.booted.shop import Shop

pytestmark = pytest.mark.ci

ROOT = Path(__file__).parents[3]
UV = str(Path(sys.executable).with_name("uv"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel of this repository."""
    directory = tmp_path_factory.mktemp("dist")
    build = [UV, "build", "--quiet", "--wheel", "--no-build-isolation", "--python", sys.executable]
    subprocess.run([*build, "--out-dir", str(directory), str(ROOT)], check=True, timeout=120)
    (found,) = directory.glob("*.whl")
    return found


def test_every_top_level_name_of_the_wheel_starts_with_alsolike(wheel: Path) -> None:
    names = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}

    assert {name for name in names if not name.endswith(".dist-info")} == {"alsolike", "alsolike_app"}


def test_the_installed_command_works_against_a_deployment(wheel: Path, tmp_path: Path) -> None:
    tools = {**os.environ, "UV_TOOL_DIR": str(tmp_path / "tools"), "UV_TOOL_BIN_DIR": str(tmp_path / "bin")}
    install = [UV, "tool", "install", "--quiet", "--python", sys.executable, "-c", str(ROOT / "requirements.lock")]
    subprocess.run([*install, str(wheel)], env=tools, check=True, timeout=300)
    (tmp_path / "purchases.csv").write_text("USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE\nann,pear,1700000000,purchase\n")
    with Shop.booted(synthesized(), tmp_path) as shop:
        aws = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "AWS_ENDPOINT_URL": shop.cloud.endpoint,
            "AWS_REGION": shop.cloud.state.region,
            "AWS_ACCESS_KEY_ID": "any",
            "AWS_SECRET_ACCESS_KEY": "any",
        }

        def alsolike(*arguments: str) -> Any:
            command = [str(tmp_path / "bin" / "alsolike"), "--env", "demo", "--format", "json", *arguments]
            done = subprocess.run(command, cwd=tmp_path, env=aws, capture_output=True, text=True, timeout=120)
            assert done.returncode == 0, done.stderr
            return json.loads(done.stdout)

        assert alsolike("status")["environment"] == "demo"
        assert alsolike("import", "interactions", "purchases.csv")["imported"] == 1
        assert [each["item_id"] for each in alsolike("users", "profile", "ann")["recent"]] == ["pear"]
        assert alsolike("models", "list") == []
