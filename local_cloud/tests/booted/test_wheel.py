"""The installed wheel of this package runs a CDK app."""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

from synthesis import synthesize

PACKAGE = Path(__file__).parents[2]
PROGRAM = """
import pathlib, sys, urllib.request
import local_cloud
from local_cloud.client import Cloud

with Cloud.start(pathlib.Path(sys.argv[1])) as cloud:
    print(local_cloud.__file__)
    print(urllib.request.urlopen(cloud.output("Url") + "?name=ann").read().decode())
"""


def test_small_app_answers_on_the_installed_wheel(tmp_path):
    build: list[str | Path] = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", tmp_path]
    subprocess.run(build, cwd=PACKAGE, check=True, timeout=300)
    (wheel,) = tmp_path.glob("*.whl")
    environment = tmp_path / "environment"
    venv.create(environment)
    (installed,) = environment.glob("lib/python*/site-packages")
    zipfile.ZipFile(wheel).extractall(installed)
    (installed / "dependencies.pth").write_text(
        sysconfig.get_path("purelib")
    )  # .pth files of this folder are not read.
    assembly = synthesize("small_app", tmp_path / "cdk.out")

    run = subprocess.run(
        [environment / "bin" / "python", "-c", PROGRAM, assembly],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )

    assert run.returncode == 0, run.stderr
    place, answer = run.stdout.splitlines()
    assert Path(place).is_relative_to(environment)
    assert answer == "hello ann"
