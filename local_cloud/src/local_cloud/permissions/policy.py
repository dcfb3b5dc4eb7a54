"""Policies of a role, and decisions on permissions that requests need.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

_KEYS: Final = frozenset({"dynamodb:Attributes", "cloudwatch:namespace", "iam:PassedToService", "kms:ViaService"})
"""Condition keys that `operations` and `encryption` provide."""
_ELEMENTS: Final = {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"}

Values = Collection[str]
"""Values of a condition key in a request. They are empty if the request does not have the key."""


def _equals_any(present: Values, allowed: frozenset[str]) -> bool:
    return bool(present) and any(value in allowed for value in present)


def _like_any(present: Values, allowed: frozenset[str]) -> bool:
    return any(_pattern(pattern).fullmatch(value) for value in present for pattern in allowed)


_OPERATORS: Final[Mapping[str, Callable[[Values, frozenset[str]], bool]]] = {
    "StringEquals": _equals_any,
    "StringNotEquals": lambda present, refused: not _equals_any(present, refused),
    "StringLike": _like_any,
    "ForAllValues:StringEquals": lambda present, allowed: all(value in allowed for value in present),
}


class PolicyError(ValueError): ...


@dataclass(frozen=True, slots=True)
class Need:
    """Permission that a request needs. `resource` is `*` for actions without resources."""

    action: str
    resource: str
    context: Callable[[], Mapping[str, Values]] = field(default=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Decision:
    allowed: bool
    reason: str = ""


class Statement:
    """Compiled statement of a policy.

    `used` contains actions that requests needed. If several statements allow an action, the last one records it.
    """

    def __init__(self, statement: Mapping[str, Any], *, keys: Collection[str] = _KEYS) -> None:
        if unknown := sorted(set(statement) - _ELEMENTS):
            raise PolicyError(f"the elements {', '.join(unknown)} of a policy cannot be decided here")
        self.is_deny = statement["Effect"] == "Deny"
        self.actions = _listed(statement.get("Action", statement.get("NotAction")))
        self.resources = _listed(statement.get("Resource", statement.get("NotResource")))
        self.used: set[str] = set()
        for text in (*self.actions, *self.resources):
            if "${" in text:
                raise PolicyError(f"the variable in {text!r} cannot be decided here")
        self._actions = _any_of(self.actions, ignore_case=True)
        self._resources = _any_of(self.resources)
        self._names_actions = "Action" in statement
        self._names_resources = "Resource" in statement
        self._conditions = [
            _condition(operator, key, values, known=keys)
            for operator, tested in statement.get("Condition", {}).items()
            for key, values in tested.items()
        ]

    @property
    def has_conditions(self) -> bool:
        return bool(self._conditions)

    def covers(self, action: str, resource: str) -> bool:
        return (self._actions(action) is not None) is self._names_actions and (
            self._resources(resource) is not None
        ) is self._names_resources

    def holds(self, context: Mapping[str, Values]) -> bool:
        return all(matches(context.get(key, ()), allowed) for matches, key, allowed in self._conditions)


class RolePolicy:
    def __init__(self, statements: Iterable[Mapping[str, Any]], *, keys: Collection[str] = _KEYS) -> None:
        self.statements = [Statement(statement, keys=keys) for statement in statements]

    def decide(self, need: Need) -> Decision:
        """Decide on a permission. An explicit deny takes precedence, and the default is a refusal."""
        context: Mapping[str, Values] | None = None
        allowing: Statement | None = None
        for statement in self.statements:
            if not statement.covers(need.action, need.resource):
                continue
            if statement.has_conditions:
                context = need.context() if context is None else context
                if not statement.holds(context):
                    continue
            if statement.is_deny:
                return Decision(allowed=False, reason="with an explicit deny in an identity-based policy")
            allowing = statement
        if allowing is None:
            return Decision(allowed=False, reason=f"because no identity-based policy allows the {need.action} action")
        allowing.used.add(need.action)
        return Decision(allowed=True)


def _condition(
    operator: str, key: str, values: Any, *, known: Collection[str]
) -> tuple[Callable[[Values, frozenset[str]], bool], str, frozenset[str]]:
    known_key = next((each for each in known if each.lower() == key.lower()), None)
    if operator not in _OPERATORS or known_key is None:
        raise PolicyError(f"the condition {operator} of {key} cannot be decided here")
    return _OPERATORS[operator], known_key, frozenset(_listed(values))


def _listed(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value or ())


def _any_of(patterns: Iterable[str], *, ignore_case: bool = False) -> Callable[[str], object]:
    text = "|".join(_pattern(pattern).pattern for pattern in patterns)
    return re.compile(text, (re.IGNORECASE if ignore_case else 0) | re.DOTALL).fullmatch


def _pattern(text: str) -> re.Pattern[str]:
    """Compile an IAM pattern, in which `*` matches any text and `?` matches one character."""
    return re.compile(re.escape(text).replace(r"\*", ".*").replace(r"\?", "."), re.DOTALL)
