"""Properties of a resource. They record which properties were read."""

from collections.abc import Iterator, Mapping
from typing import Any, Self


class PropertyError(Exception):
    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"{path}: {reason}")


class Properties:
    """Evaluated properties. Each read is recorded, so that unread properties can be reported.

    If `get` returns a nested value, all of it counts as read. `section` and `sections` record the reads of nested
    properties separately.
    """

    def __init__(self, values: Mapping[str, Any], *, path: str = "") -> None:
        self.values = dict(values)
        self._path = path
        self._read: set[str] = set()
        self._sections: dict[str, list[Self]] = {}

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def __getitem__(self, name: str) -> Any:
        if name not in self.values:
            raise PropertyError(self.path_of(name), "is required")
        self._read.add(name)
        return self.values[name]

    def get(self, name: str, default: Any = None) -> Any:
        return self[name] if name in self else default  # noqa: SIM401 -- this is get itself

    def take(self, *names: str, **renamed: str) -> dict[str, Any]:
        """Return the present properties. `renamed` maps names in the template to names in the API."""
        return {theirs: self[own] for own, theirs in [*zip(names, names, strict=True), *renamed.items()] if own in self}

    def keep(self, *names: str) -> None:
        """Count properties as read that the deployment only stores. They have no effect on the creation."""
        self._read.update(names)

    def section(self, name: str) -> Self:
        """Return a nested object whose reads are recorded separately. It is empty if the template does not have it."""
        if name not in self._sections:
            nested = type(self)(self.values.get(name, {}), path=self.path_of(name))
            self._sections[name] = [nested]
        return self._sections[name][0]

    def sections(self, name: str) -> list[Self]:
        if name not in self._sections:
            self._sections[name] = [
                type(self)(values, path=f"{self.path_of(name)}[{position}]")
                for position, values in enumerate(self.values.get(name, []))
            ]
        return self._sections[name]

    def is_unread(self, name: str) -> bool:
        return name in self.values and name not in self._read and name not in self._sections

    def unread(self) -> Iterator[str]:
        """Yield the paths of unread properties, such as `Rules[0].Prefix`."""
        for name in self.values:
            if name in self._sections:
                for section in self._sections[name]:
                    yield from section.unread()
            elif name not in self._read:
                yield self.path_of(name)

    def path_of(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name
