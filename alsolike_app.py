"""Start of the command `alsolike`.

In a wheel, this file is the package `alsolike_app`, and the parts (`cli`, `operations`, ...) lie inside it. So no other
package's `cli` is in their way. In the repository, the parts lie next to it.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))


def main() -> None:
    """Run the command line."""
    from cli.main import main

    main()
