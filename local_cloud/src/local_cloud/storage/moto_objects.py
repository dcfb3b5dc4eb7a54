"""Attributes that stored objects of another version of moto lack."""

import ast
import functools
import inspect
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from moto.core.base_backend import BaseBackend


def missing_attributes(value: Any) -> Iterator[tuple[type, str]]:
    """Yield the class and the name of each attribute that the constructor of a moto class sets, but an object lacks.

    `value` and the objects of moto inside of it are checked, except for backends.
    """
    seen: set[int] = set()
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if id(each) in seen or isinstance(each, BaseBackend):
            continue
        seen.add(id(each))
        if isinstance(each, Mapping):
            waiting.extend(each.values())
        elif isinstance(each, (list, tuple, set)):
            waiting.extend(each)
        elif (cls := each.__class__).__module__.startswith("moto."):
            yield from ((cls, name) for name in sorted(_attributes(cls)) if not hasattr(each, name))
            waiting.extend(getattr(each, "__dict__", {}).values())


@functools.cache
def _attributes(cls: type) -> frozenset[str]:
    return frozenset(name for base in cls.__mro__ if base.__module__.startswith("moto.") for name in _set_by(base))


def _set_by(cls: type) -> Iterable[str]:
    constructor = vars(cls).get("__init__")
    if not inspect.isfunction(constructor):
        return
    tree = ast.parse(textwrap.dedent(inspect.getsource(constructor)))
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="self"), attr=name, ctx=ast.Store()):
                yield name
