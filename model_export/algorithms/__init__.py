"""The algorithms, one module or package each. Each module here is imported, and its `Algorithm` classes are registered
by name.

The environment variable `ALSOLIKE_PACKAGE` names a folder with algorithms of the shop. Its modules and packages are
imported too.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import pkgutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType

from alsolike.runtime.errors import InvalidInput
from model_export.api import Algorithm

OWN_PACKAGE = "ALSOLIKE_PACKAGE"


def known() -> Mapping[str, Algorithm]:
    """Return the algorithms with default settings, by name, in alphabetical order.

    Raises
    ------
    InvalidInput
        If the shop's package or one of its algorithms is not valid, for example because of a name that is already used.
    """
    found: dict[str, Algorithm] = {}
    for module_info in pkgutil.iter_modules(__path__):
        found |= _defined(importlib.import_module(f"{__name__}.{module_info.name}"))
    if folder := os.environ.get(OWN_PACKAGE):
        built_in = len(found)
        for own in map(_defined, _own_modules(Path(folder))):
            if taken := own.keys() & found.keys():
                name = min(taken)
                raise InvalidInput(
                    f"{type(own[name]).__module__} names an algorithm {name!r}, as {type(found[name]).__module__} does"
                )
            found |= own
        if len(found) == built_in:
            raise InvalidInput(
                f"{OWN_PACKAGE} is {folder!r}, and its modules have no algorithm; expected a class that extends "
                "model_export.api.Algorithm"
            )
    return dict(sorted(found.items()))


def by_default() -> Mapping[str, Algorithm]:
    return {name: algorithm for name, algorithm in known().items() if algorithm.by_default}


def _defined(module: ModuleType) -> dict[str, Algorithm]:
    """Return the algorithms that a module or its submodules define."""
    classes = (
        settings
        for _, settings in inspect.getmembers(module, inspect.isclass)
        if f"{settings.__module__}.".startswith(f"{module.__name__}.")
        and issubclass(settings, Algorithm)
        and not inspect.isabstract(settings)
    )
    found: dict[str, Algorithm] = {}
    for default in map(_default, classes):
        other = found.setdefault(default.name, default)
        if type(other) is not type(default):
            names = f"{type(other).__name__} and {type(default).__name__}"
            raise InvalidInput(f"{module.__name__} has two algorithms {default.name!r}: {names}")
    return found


def _default(settings: type[Algorithm]) -> Algorithm:
    """Return the default settings, which must be hashable, because they are the key of cached fits."""
    try:
        default = settings()
        hash((default.name, default))
    except (AttributeError, TypeError) as error:
        raise InvalidInput(
            f"{settings.__module__}.{settings.__name__} is not an algorithm: {error}; expected a name, and settings "
            "that have defaults and can be hashed"
        ) from error
    return default


def _own_modules(folder: Path) -> Iterator[ModuleType]:
    if not folder.is_dir():
        raise InvalidInput(f"{OWN_PACKAGE} is {str(folder)!r}, expected a folder")
    names = sorted(module_info.name for module_info in pkgutil.iter_modules([str(folder)]))
    if not names:
        raise InvalidInput(f"{OWN_PACKAGE} is {str(folder)!r}, expected a folder with a Python module or package in it")
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
    for name in names:
        try:
            module = importlib.import_module(name)
        except Exception as error:
            raise InvalidInput(f"{folder / name} cannot be imported: {type(error).__name__}: {error}") from error
        if folder.resolve() not in Path(module.__file__ or "").resolve().parents:
            raise InvalidInput(f"{folder / name} has the name of another module, {module.__file__}; rename it")
        yield module


def missing(algorithm: Algorithm) -> str | None:
    """Return the reason why an algorithm cannot be fitted in this environment, or None if it can."""
    if algorithm.needs is None or importlib.util.find_spec(algorithm.needs) is not None:
        return None
    package = '"alsolike[neural]"' if algorithm.needs == "torch" else algorithm.needs
    return f"it needs {algorithm.needs}, which is not installed: pip install {package}"


def named(names: str) -> Mapping[str, Algorithm]:
    """Return the algorithms of a comma-separated list.

    Raises
    ------
    InvalidInput
        For example, if the list is empty, a name is unknown, or a module that an algorithm needs is not installed.
    """
    every = known()
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    for name in wanted:
        if name not in every:
            raise InvalidInput(f"unknown algorithm {name!r}; known are {', '.join(every)}")
        if reason := missing(every[name]):
            raise InvalidInput(f"algorithm {name!r} cannot be fitted here: {reason}")
    if not wanted:
        raise InvalidInput(f"no algorithm is named; known are {', '.join(every)}")
    return {name: every[name] for name in wanted}
