"""Build hook of the wheel, which adds the built pages, and the core as a separate package."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Contents(BuildHookInterface[Any]):
    """Files that only a wheel contains. An editable installation needs none of them."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the pages, and add them and the core."""
        if version == "editable":
            return
        root = Path(self.root)
        built = root / "build" / "wheel"
        subprocess.run([sys.executable, str(root / "web" / "build.py"), "--output", str(built / "web")], check=True)
        # The copy below alsolike_app is a source of layers and jobs. This copy is importable.
        shutil.rmtree(built / "alsolike", ignore_errors=True)
        generated = shutil.ignore_patterns("__pycache__")
        shutil.copytree(root / "layers" / "core" / "python" / "alsolike", built / "alsolike", ignore=generated)
        build_data["force_include"][str(built / "web")] = "alsolike_app/build/web"
        build_data["force_include"][str(built / "alsolike")] = "alsolike"
