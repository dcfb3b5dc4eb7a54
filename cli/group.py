"""Groups of commands. Options are declared once in dataclasses, and modules are imported when a command is called.

Every group and command accepts the options of `Everywhere`. Only the help of `alsolike` lists all of them.
"""

from __future__ import annotations

import copy
import dataclasses
import enum
import functools
import importlib
import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, TypeVar

import typer
from typer import Option
from typer.core import TyperCommand, TyperGroup

Function = TypeVar("Function", bound=Callable[..., None])


class Format(enum.StrEnum):
    TABLE = enum.auto()
    JSON = enum.auto()


@dataclasses.dataclass(frozen=True)
class Everywhere:
    """Options that every command accepts, in the order of the help text."""

    env: Annotated[
        str | None,
        Option("--env", "-e", metavar="NAME", help="Deployment on AWS to use instead of the embedded cloud."),
    ] = None
    aws_profile: Annotated[
        str | None, Option("--profile", metavar="NAME", help="Profile with the AWS credentials.")
    ] = None
    region: Annotated[str | None, Option("--region", metavar="NAME", help="AWS region.")] = None
    form: Annotated[Format | None, Option("--format", help="Format of results and errors.", show_default="table")] = (
        None
    )

    def values(self) -> dict[str, Any]:
        """Set AWS's environment variables to the given profile and region.

        Return the other options that were given, by the name of the commands' parameter.
        """
        if self.aws_profile is not None:
            os.environ["AWS_PROFILE"] = self.aws_profile
        if self.region is not None:
            os.environ["AWS_REGION"] = os.environ["AWS_DEFAULT_REGION"] = self.region
        values: dict[str, Any] = {}
        if self.env is not None:
            values["stack"] = self.env
        if self.form is not None:
            values["as_json"] = self.form is Format.JSON
        return values


class CommandGroup(typer.Typer):
    """Group of commands. Help texts are plain, because importing rich takes longer than the rest of the help."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(no_args_is_help=True, rich_markup_mode=None, callback=_group_options(), **settings)

    def command(self, name: str | None = None, **settings: Any) -> Callable[[Function], Function]:
        """Register a function as a command. The fields of dataclass parameters become parameters; see `separated`."""
        register = super().command(name, **settings)

        def decorate(function: Function) -> Function:
            register(_with_everywhere(separated(function)))
            return function

        return decorate


def set_defaults(context: typer.Context, everywhere: Everywhere) -> None:
    """Make the given options the defaults of all commands in a group and its subgroups.

    A profile and a region are set as environment variables instead.
    """
    context.default_map = _merged(context.default_map or {}, _for_all(context.command, everywhere.values()))


def _for_all(command: Any, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return Click's default map of a command: its own defaults, and a map per name of a subcommand."""
    below = {name: _for_all(one, defaults) for name, one in getattr(command, "commands", {}).items()}
    return {**below, **defaults}


def _merged(defaults: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    both = {
        name: _merged(defaults[name], value) for name, value in over.items() if isinstance(defaults.get(name), dict)
    }
    return {**defaults, **over, **both}


def _group_options() -> Callable[..., None]:
    """Return a callback that accepts the options of `Everywhere` between the name of a group and its command."""

    def call(context: typer.Context, **values: Any) -> None:
        set_defaults(context, Everywhere(**values))

    context = inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
    call.__signature__ = inspect.Signature([context, *_hidden_options()])  # type: ignore[attr-defined]
    return call


def _with_everywhere(function: Callable[..., None]) -> Callable[..., None]:
    """Return a command that also accepts the options of `Everywhere`."""
    own = inspect.signature(function).parameters
    added = [one for one in _hidden_options() if one.name != "env" or "stack" not in own]

    @functools.wraps(function)
    def call(**values: Any) -> None:
        everywhere = Everywhere(**{one.name: values.pop(one.name) for one in added})
        function(**values | {name: value for name, value in everywhere.values().items() if name in own})

    call.__signature__ = inspect.Signature([*own.values(), *added])  # type: ignore[attr-defined]
    return call


def _hidden_options() -> list[inspect.Parameter]:
    """Return the options of `Everywhere` as parameters that the help omits."""
    parameters = []
    for one in _fields(Everywhere, inspect.Parameter.empty):
        option = copy.copy(one.annotation.__metadata__[0])
        option.hidden = True
        type_ = one.annotation.__origin__
        parameters.append(one.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=Annotated[type_, option]))
    return parameters


def separated(function: Callable[..., None]) -> Callable[..., None]:
    """Return a function in which the fields of each dataclass parameter are separate parameters.

    The fields of a parameter with a default take the parameter's place. The fields' values in this default become
    their defaults. The fields of a parameter without a default come last. A string in a field's annotation is the help
    text of the option.
    """
    parameters = inspect.signature(function, eval_str=True).parameters
    groups: dict[str, tuple[Any, list[inspect.Parameter]]] = {
        name: (one.annotation, _fields(one.annotation, one.default))
        for name, one in parameters.items()
        if dataclasses.is_dataclass(one.annotation)
    }

    @functools.wraps(function)
    def call(**values: Any) -> None:
        grouped = {
            name: kind(**{field.name: values.pop(field.name) for field in own}) for name, (kind, own) in groups.items()
        }
        function(**values, **grouped)

    separate: list[inspect.Parameter] = []
    last: list[inspect.Parameter] = []
    for name, one in parameters.items():
        if name not in groups:
            separate.append(one)
        else:
            (last if one.default is one.empty else separate).extend(groups[name][1])
    call.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in separate + last]
    )
    return call


def _fields(kind: Any, default: Any) -> list[inspect.Parameter]:
    fields = []
    for one in inspect.signature(kind, eval_str=True).parameters.values():
        meaning = next(iter(getattr(one.annotation, "__metadata__", ())), None)
        if isinstance(meaning, str):
            type_, numbers = one.annotation.__origin__, typer.Option(metavar="N", help=meaning)
            one = one.replace(annotation=Annotated[type_, numbers])
        fields.append(one if default is one.empty else one.replace(default=getattr(default, one.name)))
    return fields


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """Command or group of commands.

    `target` is the module and name of the function or group, such as `cli.train:train`. `summary` is the first sentence
    of the target's help, which the list of commands shows. A hidden alias has an empty summary.
    """

    name: str
    target: str
    summary: str = ""

    def load(self) -> Any:
        module, _, attribute = self.target.partition(":")
        target = getattr(importlib.import_module(module), attribute)
        app = CommandGroup()
        if isinstance(target, typer.Typer):
            app.add_typer(target, name=self.name, hidden=not self.summary)
        else:
            app.command(self.name, hidden=not self.summary)(target)
        return typer.main.get_group(app).commands[self.name]


class LazyGroup(TyperGroup):
    """Group that has the names and summaries of its commands, and imports a command on its first use."""

    entries: ClassVar[Sequence[Entry]]

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        for entry in self.entries:
            self.add_command(TyperCommand(entry.name, help=entry.summary, hidden=not entry.summary))

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Import and return the command that the arguments select."""
        name, command, rest = super().resolve_command(ctx, args)
        for entry in self.entries:
            if entry.name == name:
                command = self.commands[name] = entry.load()
        return name, command, rest

    def load(self) -> LazyGroup:
        """Import all commands, and return the group."""
        for entry in self.entries:
            self.commands[entry.name] = entry.load()
        return self
