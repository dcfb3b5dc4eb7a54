"""Hyperparameters of a training run. SageMaker passes all values as strings."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from alsolike.runtime.errors import InvalidInput
from model_export.data.impressions import CLICKS, Objective
from model_export.evaluation.resource_budget import BUDGET_S

_TRUTH = ("(?i:true|false)", "true or false", lambda value: value.lower() == "true")
_FORMS: Mapping[str, tuple[str, str, Callable[[str], Any]]] = {
    "run_id": ("[0-9a-z-]{1,40}", "1 to 40 of a-z, 0-9 and -", str),
    "seed": ("[0-9]{1,9}", "a whole number from 0 to 999999999", int),
    "exclude_seen": _TRUTH,
    "public_lists": _TRUTH,
    "algorithms": ("(?s:.*)", "names", str),
}
"""Regular expression, description and parser by hyperparameter. The objective and positive numbers are absent, because
`_read` parses them itself."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Hyperparameters:
    """Hyperparameters of a run. An empty value selects the default.

    Attributes
    ----------
    run_id
        Version of the model. If None, it is the dataset's ID.
    algorithms
        Comma-separated names, or empty for the default algorithms.
    holdout_days
        Length of the test window. If None, the shorter of 28 days and a tenth of the data's period.
    exclude_seen
        True to exclude items of the history from recommendations. If None, `choose_seen` decides by shares of repeats.
    budget_s
        Maximum estimated processor seconds of all fits. Algorithms above the budget are excluded.
    budget_mb
        Maximum estimated resident memory of a fit, in 10^6 bytes. If None, 80% of the machine's memory.
    objective
        Gain of outcomes for the reranker.
    seed
        Seed of random numbers.
    public_lists
        True to write the lists that browsers rank without the API; see `model_export.export.public_lists`.
    """

    run_id: str | None = None
    algorithms: str = ""
    holdout_days: float | None = None
    exclude_seen: bool | None = None
    budget_s: float = BUDGET_S
    budget_mb: float | None = None
    objective: Objective = CLICKS
    seed: int = 0
    public_lists: bool = False

    @classmethod
    def from_json(cls, data: bytes) -> Hyperparameters:
        try:
            document = orjson.loads(data)
        except orjson.JSONDecodeError as error:
            raise InvalidInput(f"hyperparameters.json is not JSON: {error}") from error
        if not isinstance(document, Mapping):
            raise InvalidInput(f"hyperparameters.json holds a {type(document).__name__}, expected an object")
        known = [field.name for field in dataclasses.fields(cls)]
        for name in document:
            if name not in known:
                raise InvalidInput(f"hyperparameter {name!r} is unknown; known are {', '.join(known)}")
        values = {name: str(value).strip() for name, value in document.items() if str(value).strip()}
        return cls(**{name: _read(name, value) for name, value in values.items()})


def _read(name: str, value: str) -> Any:
    if name in ("holdout_days", "budget_s", "budget_mb"):
        try:
            number = float(value)
        except ValueError:
            number = 0.0
        if not 0 < number < float("inf"):
            raise InvalidInput(f"{name} is {value!r}, expected a number above 0")
        return number
    if name == "objective":
        return Objective.parse(value)
    pattern, expected, kind = _FORMS[name]
    if not re.fullmatch(pattern, value):
        raise InvalidInput(f"{name} is {value!r}, expected {expected}")
    return kind(value)
