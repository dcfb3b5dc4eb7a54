"""Packages of a Glue job without access to a package index, as AWS's "zip of wheels".

https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-python-libraries.html
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from zipfile import ZipFile, ZipInfo

from layers.contents import LAYERS, LayerError

GLUE_PYTHON = "3.11"
"""Python of Glue 5.0, which runs on x86_64 with glibc 2.34."""
ARCHIVE = "glue-x86_64.gluewheels.zip"
"""Name of the archive in the folder of the layers. Glue recognises the type by the suffix."""


def build_wheels(output: Path) -> Path:
    """Download the core layer's packages for Glue into ``<output>/glue-x86_64.gluewheels.zip``, and return this path.

    The archive also contains the pinned, hashed requirements, which Glue's pip checks again. Equal packages give equal
    bytes.
    """
    (requirements,) = LAYERS["core"].requirements
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".building-", dir=output) as scratch:
        wheels = Path(scratch) / "wheels"
        _download(requirements, wheels)
        archive = Path(scratch) / ARCHIVE
        with ZipFile(archive, "w") as zipped:
            for path in (*sorted(wheels.iterdir()), requirements):
                zipped.writestr(ZipInfo(f"wheels/{path.name}"), path.read_bytes())
        return archive.replace(output / ARCHIVE)


def _download(requirements: Path, folder: Path) -> None:
    platforms = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
    result = subprocess.run(
        [
            sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
            "--require-hashes", "--no-deps", "--only-binary", ":all:", "--python-version", GLUE_PYTHON,
            *(option for platform in platforms for option in ("--platform", platform)),
            "--requirement", str(requirements), "--dest", str(folder),
        ],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    if result.returncode:
        raise LayerError(
            f"{requirements} cannot be downloaded for Python {GLUE_PYTHON} on x86_64:\n{result.stderr.strip()}"
        )
