"""Evaluation of CloudFormation's intrinsic functions, conditions and dynamic references."""

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

_PLACEHOLDER = re.compile(r"\$\{(!?)([^${}]+)\}")
_DYNAMIC_REFERENCE = re.compile(r"\{\{resolve:([^:{}]+):([^{}]+)\}\}")


class _NoValue:
    def __repr__(self) -> str:
        return "AWS::NoValue"


NO_VALUE: Final = _NoValue()
"""Value of `Ref: AWS::NoValue`, which is removed from lists and objects."""


class TemplateError(Exception): ...


class Surroundings(Protocol):
    """Sources of values outside a template: resources, exports and outputs of stacks, and stored parameters."""

    def ref(self, logical_id: str) -> str: ...

    def attribute(self, logical_id: str, name: str) -> str: ...

    def exported(self, name: str) -> str: ...

    def stack_output(self, stack: str, output: str, region: str) -> str: ...

    def stored_parameter(self, name: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Evaluator:
    """Evaluator of the values in a template. `names` contains the parameters and pseudo parameters."""

    names: Mapping[str, Any]
    conditions: Mapping[str, Any]
    mappings: Mapping[str, Any]
    surroundings: Surroundings

    def evaluate(self, value: Any) -> Any:
        if isinstance(value, str):
            return _DYNAMIC_REFERENCE.sub(self._dynamic_reference, value)
        if isinstance(value, list):
            return [item for item in map(self.evaluate, value) if item is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        if intrinsic := _intrinsic(value):
            return self._call(*intrinsic)
        evaluated = {key: self.evaluate(item) for key, item in value.items()}
        return {key: item for key, item in evaluated.items() if item is not NO_VALUE}

    def holds(self, condition: str) -> bool:
        if condition not in self.conditions:
            raise TemplateError(f"unknown condition {condition}")
        return self._is_true(self.conditions[condition])

    def references(self, value: Any) -> Iterator[str]:
        """Yield the logical IDs that `value` references. Only the selected branch of `Fn::If` counts."""
        if isinstance(value, list):
            for item in value:
                yield from self.references(item)
        if not isinstance(value, dict):
            return
        intrinsic = _intrinsic(value)
        if intrinsic is None:
            yield from self.references(list(value.values()))
            return
        name, argument = intrinsic
        if name == "Ref":
            yield from self._resources([argument])
        elif name == "Fn::GetAtt":
            yield _get_att_parts(argument)[0]
        elif name == "Fn::If":
            yield from self.references(self._chosen(argument))
        elif name == "Fn::Sub":
            text, values = _sub_parts(argument)
            yield from self._resources(name.partition(".")[0] for name in _sub_names(text) if name not in values)
            yield from self.references(values)
        else:
            yield from self.references(argument)

    def _resources(self, names: Any) -> Iterator[str]:
        yield from (name for name in names if name not in self.names)

    def _is_true(self, expression: Any) -> bool:
        if not isinstance(expression, dict) or len(expression) != 1:
            raise TemplateError(f"a condition is one function, not {expression!r}")
        ((name, argument),) = expression.items()
        match name:
            case "Condition":
                return self.holds(argument)
            case "Fn::Equals":
                left, right = self._evaluated(name, argument, count=2)
                return bool(left == right)
            case "Fn::Not":
                (negated,) = _arguments(name, argument, count=1)
                return not self._is_true(negated)
            case "Fn::And":
                return all(self._is_true(part) for part in argument)
            case "Fn::Or":
                return any(self._is_true(part) for part in argument)
        raise TemplateError(f"unknown condition function {name}")

    def _chosen(self, argument: Any) -> Any:
        condition, when_true, when_false = _arguments("Fn::If", argument, count=3)
        return when_true if self.holds(condition) else when_false

    def _dynamic_reference(self, reference: re.Match[str]) -> str:
        service, name = reference.groups()
        if service != "ssm":
            raise TemplateError(f"dynamic reference {reference[0]}: only ssm is known here")
        return self.surroundings.stored_parameter(name)

    def _ref(self, name: Any) -> Any:
        if name in self.names:
            return self.evaluate(self.names[name])
        if isinstance(name, str) and name.startswith("AWS::"):
            raise TemplateError(f"unknown pseudo parameter {name}")
        return self.surroundings.ref(name)

    def _get_att(self, argument: Any) -> str:
        logical_id, attribute = _get_att_parts(argument)
        return self.surroundings.attribute(logical_id, self.evaluate(attribute))

    def _sub(self, argument: Any) -> str:
        text, values = _sub_parts(argument)

        def substituted(placeholder: re.Match[str]) -> str:
            literal, name = placeholder.groups()
            if literal:
                return f"${{{name}}}"
            if name in values:
                value = self.evaluate(values[name])
            else:
                value = self._get_att(name) if "." in name else self._ref(name)
            return _text(value, where=f"${{{name}}} of Fn::Sub")

        return _PLACEHOLDER.sub(substituted, text)

    def _call(self, name: str, argument: Any) -> Any:
        match name:
            case "Ref":
                return self._ref(argument)
            case "Fn::GetAtt":
                return self._get_att(argument)
            case "Fn::Sub":
                return self._sub(argument)
            case "Fn::Join":
                delimiter, parts = _arguments(name, argument, count=2)
                evaluated = self.evaluate(parts)
                if not isinstance(delimiter, str) or not isinstance(evaluated, list):
                    raise TemplateError(f"{name} takes a string and a list, not {argument!r}")
                return delimiter.join(_text(part, where=f"a part of {name}") for part in evaluated)
            case "Fn::Select":
                index, choices = self._evaluated(name, argument, count=2)
                if not isinstance(choices, list) or not str(index).isdecimal() or int(index) >= len(choices):
                    raise TemplateError(f"{name} takes number {index} of {choices!r}")
                return choices[int(index)]
            case "Fn::Split":
                delimiter, text = self._evaluated(name, argument, count=2)
                return _text(text, where=f"the text of {name}").split(delimiter)
            case "Fn::If":
                return self.evaluate(self._chosen(argument))
            case "Fn::FindInMap":
                found: Any = self.mappings
                for key in self._evaluated(name, argument, count=3):
                    if key not in found:
                        raise TemplateError(f"{name} finds no {key!r}; there are {sorted(found)}")
                    found = found[key]
                return found
            case "Fn::Base64":
                text = _text(self.evaluate(argument), where=f"the text of {name}")
                return base64.b64encode(text.encode()).decode("ascii")
            case "Fn::ImportValue":
                return self.surroundings.exported(self.evaluate(argument))
            case "Fn::GetStackOutput":
                return self._stack_output(argument)
            case "Fn::GetAZs":
                region = self.evaluate(argument) or self.names["AWS::Region"]
                return [f"{region}{letter}" for letter in "abc"]
        raise TemplateError(f"unknown intrinsic function {name}")

    def _evaluated(self, function: str, argument: Any, *, count: int) -> list[Any]:
        """Return the values of a function's arguments. `evaluate` would remove `AWS::NoValue` from their list."""
        return [self.evaluate(part) for part in _arguments(function, argument, count=count)]

    def _stack_output(self, argument: Any) -> str:
        if not isinstance(argument, dict) or not {"StackName", "OutputName"} <= argument.keys():
            raise TemplateError(f"Fn::GetStackOutput takes StackName and OutputName, not {argument!r}")
        if unknown := argument.keys() - {"StackName", "OutputName", "Region"}:
            raise TemplateError(f"Fn::GetStackOutput: {', '.join(sorted(unknown))} is not known here")
        given = {"Region": self.names["AWS::Region"], **argument}
        return self.surroundings.stack_output(
            *(self.evaluate(given[name]) for name in ("StackName", "OutputName", "Region"))
        )


def _intrinsic(value: Mapping[str, Any]) -> tuple[str, Any] | None:
    """Return the intrinsic function of `value` and its argument, or None if `value` is an ordinary object."""
    called = [key for key in value if key == "Ref" or key.startswith("Fn::")]
    if not called:
        return None
    (name, *_) = called
    if len(value) > 1:
        raise TemplateError(f"{name} must be the only key, not next to {sorted(set(value) - {name})}")
    return name, value[name]


def _arguments(function: str, argument: Any, *, count: int) -> list[Any]:
    if not isinstance(argument, list) or len(argument) != count:
        raise TemplateError(f"{function} takes {count} arguments, not {argument!r}")
    return argument


def _get_att_parts(argument: Any) -> tuple[str, Any]:
    if isinstance(argument, str):
        logical_id, _, attribute = argument.partition(".")
        return logical_id, attribute
    logical_id, attribute = _arguments("Fn::GetAtt", argument, count=2)
    return logical_id, attribute


def _sub_parts(argument: Any) -> tuple[str, Mapping[str, Any]]:
    text, values = (argument, {}) if isinstance(argument, str) else _arguments("Fn::Sub", argument, count=2)
    if not isinstance(text, str) or not isinstance(values, dict):
        raise TemplateError(f"Fn::Sub takes a string and an object, not {argument!r}")
    return text, values


def _sub_names(text: str) -> list[str]:
    return [name for literal, name in _PLACEHOLDER.findall(text) if not literal]


def _text(value: Any, *, where: str) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise TemplateError(f"{where} must be a string, not {value!r}")
