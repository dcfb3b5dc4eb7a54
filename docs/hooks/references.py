"""Pages of the site that are written from the code while it is built: mkdocs calls `on_files`."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import typer
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from typer.core import TyperArgument, TyperGroup, TyperOption

from cli.main import app


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the reference of the command line."""
    files.append(File.generated(config, "commands.md", content=commands_page()))
    return files


def commands_page() -> str:
    """Return a page with every command's purpose, usage, arguments and options."""
    root = typer.main.get_command(app)
    parts = ["# Commands", "The help texts of `alsolike`. `alsolike COMMAND --help` prints the same."]
    for context in _contexts(typer.Context(root, info_name="alsolike")):
        parts += _command_parts(context)
    return "\n\n".join(parts) + "\n"


def _contexts(context: typer.Context) -> Iterator[typer.Context]:
    """Yield a context for each visible command below `context`'s, groups first."""
    if isinstance(context.command, TyperGroup):
        for name, command in sorted(context.command.commands.items()):
            if not command.hidden:
                below = typer.Context(command, info_name=name, parent=context)
                yield below
                yield from _contexts(below)


def _command_parts(context: typer.Context) -> Iterator[str]:
    level = context.command_path.count(" ") + 1
    yield f"{'#' * level} `{context.command_path}`"
    yield inspect.cleandoc(context.command.help or "").replace("\b\n", "")
    if isinstance(context.command, TyperGroup):
        return
    yield f"```text\n{context.command_path} {' '.join(context.command.collect_usage_pieces(context))}\n```"
    records = [_record(parameter, context) for parameter in context.command.params if not parameter.hidden]
    yield "\n".join(["| argument or option | meaning |", "|---|---|", *records])


def _record(parameter: TyperArgument | TyperOption, context: typer.Context) -> str:
    name, meaning = (part.replace("|", "\\|") for part in parameter.get_help_record(context))
    return f"| `{name}` | {' '.join(meaning.split())} |"
