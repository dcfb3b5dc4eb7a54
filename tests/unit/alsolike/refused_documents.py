"""Invalid documents, and the errors that the parser reports for them."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from alsolike.configuration_document.document import parse
from alsolike.schema.document import Fault, InvalidConfiguration, Path
from tests.unit.alsolike.configuration_documents import FULL


def faults(document: object) -> list[Fault]:
    with pytest.raises(InvalidConfiguration) as caught:
        parse(document)
    return list(caught.value.faults)


def only_fault(document: object) -> Fault:
    (fault,) = faults(document)
    return fault


def steps(path: str) -> Path:
    return tuple(int(step) if step.isdigit() else step for step in path.split("."))


def stated(document: Any, path: Path) -> Any:
    for step in path:
        document = document[step]
    return document


def with_value(path: str, value: Any) -> dict[str, Any]:
    document = copy.deepcopy(FULL)
    *parents, last = steps(path)
    stated(document, tuple(parents))[last] = value
    return document


def assert_refused(path: str, value: Any, *, message: str, at: str = "") -> None:
    """Assert that one changed value causes exactly one error. `.*` in the message is any text."""
    fault = only_fault(with_value(path, value))
    assert fault.path == steps(at or path), fault
    beginning, _, end = message.partition(".*")
    assert beginning in str(fault), fault
    assert end in str(fault), fault
