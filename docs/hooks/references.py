"""Pages of the site that are written from the code and the repository's own pages: mkdocs calls `on_files`."""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
import typing
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import typer
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from typer.core import TyperArgument, TyperGroup, TyperOption

from alsolike.declarations.gate import GateSettings
from cli.group import Everywhere, LazyGroup
from cli.main import app
from docs.hooks.api_reference import metrics_page, operations_page
from infra_cdk.context import described
from infra_cdk.kafka_settings import KafkaSettings
from infra_cdk.settings import SIZES, Settings
from infra_cdk.training_settings import TrainingSettings
from model_export import api

ROOT = Path(__file__).parents[2]
ROOT_PAGES = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "SECURITY.md": "vulnerabilities.md"}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of the repository's root, and replace the pages that stand for references."""
    pages = {page: root_page(name) for name, page in ROOT_PAGES.items()} | {
        "commands.md": commands_page(),
        "settings.md": settings_page(),
        "operations.md": operations_page(),
        "metrics.md": metrics_page(),
        "algorithm-api.md": algorithm_api_page(),
    }
    for page, content in pages.items():
        if (stub := files.get_file_from_path(page)) is not None:
            files.remove(stub)
        files.append(File.generated(config, page, content=content))
    return files


def root_page(name: str) -> str:
    """Return a page of the repository's root with links that the site has."""
    text = (ROOT / name).read_text().replace("](docs/", "](")
    for other, page in ROOT_PAGES.items():
        text = text.replace(f"]({other}", f"]({page}")
    return text


def commands_page() -> str:
    """Return a page with every command's purpose, usage, arguments and options."""
    root = typer.main.get_command(app)
    assert isinstance(root, LazyGroup)
    parts = [
        "# Commands",
        "The help texts of `alsolike`. `alsolike COMMAND --help` prints the same.",
        "All commands accept these options, before and after their names:",
        _options(
            typer.Context(root.load(), info_name="alsolike"),
            only={field.name for field in dataclasses.fields(Everywhere)},
        ),
    ]
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
    yield _options(context)


def _options(context: typer.Context, *, only: Collection[str] | None = None) -> str:
    shown = [one for one in context.command.params if not one.hidden and (only is None or one.name in only)]
    rows = [_record(parameter, context) for parameter in shown]
    return "\n".join(["| argument or option | meaning |", "|---|---|", *rows])


def _record(parameter: TyperArgument | TyperOption, context: typer.Context) -> str:
    name, meaning = (part.replace("|", "\\|") for part in parameter.get_help_record(context))
    return f"| `{name}` | {' '.join(meaning.split())} |"


def algorithm_api_page() -> str:
    """Return a page with the attributes and methods of the classes that an algorithm uses."""
    parts = [
        "# API of algorithms",
        "`from model_export.api import ...`. [Adding an algorithm](algorithms.md#adding-an-algorithm) has examples. "
        "Item positions are 1 to `items`, by frequency; position 0 is padding.",
    ]
    for owner in (api.Interactions, api.Feature, api.Histories, api.Graph, api.Algorithm, api.Model):
        purpose, *sections = inspect.getdoc(owner).split("\n\n")
        parts += [f"## `{owner.__name__}`", purpose]
        parts += [_attributes(section) for section in sections if section.startswith("Attributes\n")]
        methods = [
            (name, method)
            for name, method in vars(owner).items()
            if not name.startswith("_") and inspect.getdoc(method)
        ]
        rows = [_method_row(name, getattr(owner, name)) for name, method in methods if callable(getattr(owner, name))]
        parts.append("\n".join(["| method | result |", "|---|---|", *rows]))
    return "\n\n".join(parts) + "\n"


def _attributes(section: str) -> str:
    """Return a table of a docstring's attributes."""
    rows: list[list[str]] = []
    for line in section.splitlines()[2:]:
        if line.startswith(" "):
            rows[-1][1] += f" {line.strip()}"
        else:
            rows.append([f"`{line}`", ""])
    return "\n".join(
        ["| attribute | meaning |", "|---|---|", *(f"| {name} | {meaning.strip()} |" for name, meaning in rows)]
    )


def _method_row(name: str, method: Callable[..., object]) -> str:
    signature = str(inspect.signature(method)).replace("self, ", "").replace("(self)", "()").replace("|", "\\|")
    signature = re.sub(r"(: |-> )'([^']*)'", r"\1\2", signature)  # annotations are texts
    purpose = " ".join(inspect.getdoc(method).split("\n\n")[0].split())
    return f"| `{name}{signature}` | {purpose} |"


def settings_page() -> str:
    """Return a page with every setting's default, values and meaning."""
    models = {field.name for kind in (TrainingSettings, GateSettings) for field in dataclasses.fields(kind)}
    fields = dataclasses.fields(Settings)
    parts = [
        "# Settings",
        "`cdk.json` contains an object of settings per environment, under `context.environments`. "
        "[Deploying to AWS](deploy.md#settings) names those to decide first.",
        "## Deployment",
        _table(field for field in fields if field.name not in models | {"name"}),
        "## Models",
        _table(field for field in fields if field.name in models),
        "## Kafka",
        "Settings of the object `kafka`:",
        _table(iter(dataclasses.fields(KafkaSettings)), KafkaSettings),
        "## Sizes",
        "Defaults of the sizes that differ from `small`:",
        _sizes(),
    ]
    return "\n\n".join(parts) + "\n"


def _table(fields: Iterator[dataclasses.Field[object]], kind: type = Settings) -> str:
    types, lines = typing.get_type_hints(kind), ["| setting | default | values | meaning |", "|---|---|---|---|"]
    for field in fields:
        required = field.default is dataclasses.MISSING
        default = "required" if required else f"`{json.dumps(field.default)}`"
        values = described(types[field.name])
        if limits := field.metadata.get("limits"):
            values = values.replace("a whole number", f"{limits[0]} to {limits[1]}")
        lines.append(f"| `{field.name}` | {default} | {values} | {field.metadata['meaning']} |")
    return "\n".join(lines)


def _sizes() -> str:
    sizes = [size for size in SIZES if SIZES[size]]
    names = dict.fromkeys(name for size in sizes for name in SIZES[size])
    rows = [[f"`{name}`", *(json.dumps(SIZES[size].get(name)) for size in sizes)] for name in names]
    return "\n".join(
        f"| {' | '.join(cells)} |".replace("null", "")
        for cells in (["setting", *(f"`{size}`" for size in sizes)], ["---"] * (len(sizes) + 1), *rows)
    )
