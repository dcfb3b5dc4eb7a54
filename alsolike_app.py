"""Start of the command `alsolike`.

In a wheel, this file is the package `alsolike_app`, which contains the parts (`cli`, `operations`, ...), so that they
do not collide with other packages. In the repository, the parts are next to this file.
"""

import importlib
import os
import sys
from pathlib import Path
from types import ModuleType

PARTS = str(Path(__file__).parent)

sys.path.insert(0, PARTS)


def main() -> None:
    """Run the command line. `PYTHONPATH` lets child processes import the parts."""
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (PARTS, os.environ.get("PYTHONPATH"))))
    from cli.main import main

    main()


def __getattr__(name: str) -> ModuleType:
    """Import the library for notebooks, `alsolike_app.library`, on first use."""
    if name != "library":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module("operations.library")
