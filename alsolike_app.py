"""Start of the command `alsolike`.

In a wheel, this file is the package `alsolike_app`, and the parts (`cli`, `operations`, ...) lie inside it. So no other
package's `cli` is in their way. In the repository, the parts lie next to it.
"""

import importlib
import os
import sys
from pathlib import Path
from types import ModuleType

PARTS = str(Path(__file__).parent)

sys.path.insert(0, PARTS)


def main() -> None:
    """Run the command line; the processes that it starts find the parts too."""
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (PARTS, os.environ.get("PYTHONPATH"))))
    from cli.main import main

    main()


def __getattr__(name: str) -> ModuleType:
    """Import `alsolike_app.library`, the library for notebooks, when it is used."""
    if name != "library":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module("operations.library")
