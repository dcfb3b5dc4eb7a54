"""Value classes with faster imports and object creation than frozen dataclasses.

For a frozen dataclass, Python generates and compiles six functions at import. `recommend` imports about 100 such
classes, which would take about a sixth of its cold start. For a `struct`, only `__init__` is compiled. Fields are not
protected from assignment at runtime, so creating objects is faster. mypy treats the class as frozen.
"""

from __future__ import annotations

import dataclasses
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(dataclasses.field,))
def struct(described: type[T]) -> type[T]:
    """Return a class as a dataclass with slots, whose objects compare, hash and print by their fields.

    The functions of `dataclasses` support the result: `field` (except its parameter `hash`), `replace`, `asdict`,
    `KW_ONLY`.

    Examples
    --------
    >>> @struct
    ... class Price:
    ...     amount: int
    ...     currency: str = "EUR"
    >>> Price(5) == Price(5, "EUR"), Price(5)
    (True, Price(amount=5, currency='EUR'))
    """
    described.__doc__ = described.__doc__ or described.__qualname__  # Otherwise `dataclass` generates a docstring.
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
