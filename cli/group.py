"""Group of commands whose modules are imported when a command is called or completed."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Sequence
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """A command or group of commands.

    Attributes
    ----------
    name
        Word that calls it.
    target
        Module and name of its function or `typer.Typer`, as in `cli.train:train`.
    summary
        First sentence of its help, for the list of commands; empty for a hidden alias.
    """

    name: str
    target: str
    summary: str = ""

    def load(self) -> Any:
        """Import and build the command."""
        module, _, attribute = self.target.partition(":")
        target = getattr(importlib.import_module(module), attribute)
        app = typer.Typer(rich_markup_mode=None)  # plain help: importing rich takes longer than all else it does
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
