"""Checks of the settings `training_package` and `training_algorithms`."""

import ast
from pathlib import Path

from infra_cdk.settings import Settings
from infra_cdk.settings_checks import InvalidSettings, place

ROOT = Path(__file__).resolve().parents[2]
BUILT_IN = ROOT / "model_export" / "algorithms"


def package_folder(settings: Settings) -> Path | None:
    if settings.training_package is None:
        return None
    folder = (ROOT / settings.training_package).resolve()
    prefix = f"{place(settings.name)}.training_package is {settings.training_package!r}"
    if ROOT not in folder.parents:
        raise InvalidSettings(f"{prefix}, expected a folder in the repository; {folder} is none")
    if not folder.is_dir():
        raise InvalidSettings(f"{prefix}, expected a folder; {folder} is none")
    if not [*folder.glob("*.py"), *folder.glob("*/__init__.py")]:
        raise InvalidSettings(f"{prefix}, expected a folder with a Python module or package in it; {folder} has none")
    if not settings.training_network and (folder / "requirements.txt").exists():
        raise InvalidSettings(
            f"{prefix}, expected a folder without requirements.txt where training_network is false: the job cannot"
            " install packages. Put them into an image, and set training_image"
        )
    return folder


def check_algorithms(settings: Settings) -> None:
    """Reject unknown algorithms.

    If there is a `training_package`, the job checks the algorithms instead, because only the job imports the package.
    """
    if settings.training_package is not None:
        return
    known = sorted(filter(None, map(_name, BUILT_IN.rglob("*.py"))))
    for name in settings.training_algorithms:
        if name not in known:
            raise InvalidSettings(
                f"{place(settings.name)}.training_algorithms has {name!r}, expected some of {', '.join(known)}"
            )


def _name(module: Path) -> str | None:
    """Return the `name` of a module's algorithm, or None without an algorithm. The module is not imported."""
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "name" and node.value:
            return str(ast.literal_eval(node.value))
    return None
