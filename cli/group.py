"""Groups of commands: options declared once as a dataclass, and modules imported when a command is called."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import inspect
from collections.abc import Callable, Sequence
from typing import Annotated, Any, ClassVar, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

Function = TypeVar("Function", bound=Callable[..., None])


class CommandGroup(typer.Typer):
    """Group of commands with plain help; importing rich for it takes longer than all else that a help text needs."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(no_args_is_help=True, rich_markup_mode=None, **settings)

    def command(self, name: str | None = None, **settings: Any) -> Callable[[Function], Function]:
        """Add a function as a command. A parameter that is a dataclass stands for its fields, see `_separated`."""
        register = super().command(name, **settings)

        def decorate(function: Function) -> Function:
            register(_separated(function))
            return function

        return decorate


def _separated(function: Callable[..., None]) -> Callable[..., None]:
    """Return a function that has the fields of its dataclasses as parameters.

    They follow all others, or stand in the place of a dataclass with a default, whose values are theirs. A text in a
    field's annotation is the help of its option.
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
    """Return a parameter for each field of a dataclass."""
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
    """A command or group of commands.

    `target` is the module and name of its function or group, as in `cli.train:train`. `summary` is the first sentence
    of its help, for the list of commands; empty for a hidden alias.
    """

    name: str
    target: str
    summary: str = ""

    def load(self) -> Any:
        """Import and build the command."""
        module, _, attribute = self.target.partition(":")
        target = getattr(importlib.import_module(module), attribute)
        app = CommandGroup()
        if isinstance(target, typer.Typer):
            app.add_typer(target, name=self.name, hidden=not self.summary)
        else:
            app.command(self.name, hidden=not self.summary)(target)
        return typer.main.get_group(app).commands[self.name]


class LazyGroup(TyperGroup):
    """Group that knows names and summaries of its commands, and loads a command that is used."""

    entries: ClassVar[Sequence[Entry]]

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        for entry in self.entries:
            self.add_command(TyperCommand(entry.name, help=entry.summary, hidden=not entry.summary))

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Find the command that arguments call, and load it."""
        name, command, rest = super().resolve_command(ctx, args)
        for entry in self.entries:
            if entry.name == name:
                command = self.commands[name] = entry.load()
        return name, command, rest

    def load(self) -> LazyGroup:
        """Load all commands."""
        for entry in self.entries:
            self.commands[entry.name] = entry.load()
        return self
