"""Value classes: their objects are equal if their fields are.

A frozen dataclass consists of six functions that Python generates and compiles when its module is imported. `recommend`
imports a hundred such classes, a sixth of its cold start. Here only `__init__` is compiled. Only mypy enforces that
fields are not assigned, because it treats the class as frozen; so the creation of objects is faster as well.
"""

from __future__ import annotations

import dataclasses
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(dataclasses.field,))
def struct(described: type[T]) -> type[T]:
    """Return `described` as a dataclass with slots, whose objects compare, hash and print by their fields.

    The functions of `dataclasses` work with it: `field` (but for its `hash`), `replace`, `asdict`, `KW_ONLY`.

    Examples
    --------
    >>> @struct
    ... class Price:
    ...     amount: int
    ...     currency: str = "EUR"
    >>> Price(5) == Price(5, "EUR"), Price(5)
    (True, Price(amount=5, currency='EUR'))
    """
    made: Any = dataclasses.dataclass(slots=True, repr=False, eq=False)(described)
    names = [field.name for field in dataclasses.fields(made) if field.repr]
    held = attrgetter("__class__", *(field.name for field in dataclasses.fields(made) if field.compare))

    def eq(self: Any, other: object) -> bool:
        return held(self) == held(other) if other.__class__ is self.__class__ else NotImplemented

    def hashed(self: Any) -> int:
        return hash(held(self))

    def printed(self: Any) -> str:
        return f"{self.__class__.__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"

    for name, function in (("__eq__", eq), ("__hash__", hashed), ("__repr__", printed)):
        if name not in described.__dict__:
            setattr(made, name, function)
    return made  # type: ignore[no-any-return]
