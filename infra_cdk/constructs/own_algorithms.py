"""Algorithms of the setting for a job: the folder of the own package, and the names that exist."""

import ast
from pathlib import Path

from infra_cdk.settings import Settings
from infra_cdk.settings_checks import InvalidSettings, place

ROOT = Path(__file__).resolve().parents[2]
BUILT_IN = ROOT / "model_export" / "algorithms"


def package_folder(settings: Settings) -> Path | None:
    """Return the folder of `training_package`, or None where nothing is set.

    Raises
    ------
    InvalidSettings
        If there is no such folder in the repository, no Python module or package in it, or packages that a job without
        a network cannot install.
    """
    if settings.training_package is None:
        return None
    folder = (ROOT / settings.training_package).resolve()
    said = f"{place(settings.name)}.training_package is {settings.training_package!r}"
    if ROOT not in folder.parents:
        raise InvalidSettings(f"{said}, expected a folder in the repository; {folder} is none")
    if not folder.is_dir():
        raise InvalidSettings(f"{said}, expected a folder; {folder} is none")
    if not [*folder.glob("*.py"), *folder.glob("*/__init__.py")]:
        raise InvalidSettings(f"{said}, expected a folder with a Python module or package in it; {folder} has none")
    if not settings.training_network and (folder / "requirements.txt").exists():
        raise InvalidSettings(
            f"{said}, expected a folder without requirements.txt where training_network is false: the job cannot"
            " install packages. Put them into an image, and set training_image"
        )
    return folder


def check_algorithms(settings: Settings) -> None:
    """Refuse names that no algorithm has.

    A package may name its algorithms in ways that only running it tells, so that the job itself refuses what is unknown
    where there is one.

    Raises
    ------
    InvalidSettings
        With the names that there are.
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
    """Return what the class in a module calls itself; infrastructure reads training's code and imports none of it."""
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "name" and node.value:
            return str(ast.literal_eval(node.value))
    return None
