"""Imports of the repository's modules, read from their source."""

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PLACES = {"functions": ROOT, "operations": ROOT, "alsolike": ROOT / "layers" / "core" / "python"}


def libraries(module: str, *, lazily: bool) -> set[str]:
    """Return the third-party packages that `module` imports, directly or through modules of the repository.

    Parameters
    ----------
    lazily
        True to include imports inside functions.
    """
    packages = {name for name in _reached(module, lazily=lazily) if "." not in name}
    return packages - PLACES.keys() - sys.stdlib_module_names


def words(module: str) -> set[str]:
    """Return all words in the sources of `module` and of the repository's modules that it imports.

    The result does not contain the words of client protocols, because protocols declare calls and make none.
    """
    sources = filter(None, map(_source, _reached(module, lazily=True) - {"alsolike.runtime.client_protocols"}))
    return {word for source in sources for word in re.findall(r"\w+", source.read_text())}


def files(module: str, *, under: str) -> set[str]:
    """Return the files below a folder of the repository that `module` imports, including imports inside functions."""
    sources = filter(None, map(_source, _reached(module, lazily=True)))
    paths = {source.relative_to(ROOT).as_posix() for source in sources}
    return {path for path in paths if path.startswith(f"{under}/")}


def _reached(module: str, *, lazily: bool) -> set[str]:
    reached: set[str] = set()
    waiting = {module}
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting |= _imported(name, lazily=lazily)
            if package := name.rpartition(".")[0]:
                waiting.add(package)
    return reached


@cache
def _imported(module: str, *, lazily: bool) -> frozenset[str]:
    source = _source(module)
    if source is None:
        return frozenset()
    names: set[str] = set()
    for statement in _statements(ast.parse(source.read_bytes()), lazily=lazily):
        if isinstance(statement, ast.Import):
            names |= {alias.name for alias in statement.names}
        elif isinstance(statement, ast.ImportFrom):
            assert statement.module, f"{source}:{statement.lineno} imports relatively"
            inner = {f"{statement.module}.{alias.name}" for alias in statement.names}
            names |= {statement.module, *(name for name in inner if _source(name))}
    return frozenset(names)


def _source(module: str) -> Path | None:
    """Return the file of a module of the repository, or None for other modules."""
    place = PLACES.get(module.partition(".")[0])
    if place is None:
        return None
    path = place.joinpath(*module.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


def _statements(node: ast.AST, *, lazily: bool) -> Iterator[ast.AST]:
    """Yield the syntax nodes that run on import, and with `lazily` also those inside functions.

    Code for type checking is skipped.
    """
    for inner in ast.iter_child_nodes(node):
        if isinstance(inner, ast.If) and "TYPE_CHECKING" in ast.unparse(inner.test):
            continue
        if lazily or not isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield inner
            yield from _statements(inner, lazily=lazily)
