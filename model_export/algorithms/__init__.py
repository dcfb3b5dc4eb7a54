"""The algorithms, one file each: every module here is imported, every `Algorithm` in it is known by its name."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import pkgutil
from collections.abc import Mapping

from alsolike.errors import InvalidInput
from model_export.algorithm import Algorithm


def known() -> Mapping[str, Algorithm]:
    """Return the algorithms with default settings, by name, in alphabetical order."""
    found: dict[str, Algorithm] = {}
    for module_info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{module_info.name}")
        for _, settings in inspect.getmembers(module, inspect.isclass):
            own = settings.__module__ == module.__name__ and not inspect.isabstract(settings)
            if own and issubclass(settings, Algorithm):
                found[settings.name] = settings()
    return dict(sorted(found.items()))


def missing(algorithm: Algorithm) -> str | None:
    """Return why an algorithm cannot be fitted here, or None if it can."""
    if algorithm.needs is None or importlib.util.find_spec(algorithm.needs) is not None:
        return None
    return f'it needs {algorithm.needs}, which is not installed: pip install "alsolike[neural]"'


def named(names: str) -> Mapping[str, Algorithm]:
    """Return the algorithms of a comma-separated list.

    Raises
    ------
    InvalidInput
        If a name is unknown; the message lists the known ones. Or if what it needs is not installed.
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
