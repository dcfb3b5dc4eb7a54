"""Command `alsolike web`: publication and settings of a deployment's pages."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from cli import terminal
from cli.group import CommandGroup
from cli.options import Connection
from operations import embedded_cloud
from operations import pages as site

app = CommandGroup(help="The pages: storefront and console.")


@app.command()
def publish(
    connection: Connection,
    pages: Annotated[Path | None, Option(help="Folder of built pages.", show_default="build them here")] = None,
) -> None:
    """Publish the pages and their settings to the deployment.

    Example: alsolike web publish --env prod
    """
    deployment = connection.deployment
    if pages is None:
        embedded_cloud.build_pages()
        pages = embedded_cloud.PAGES
    count = site.publish(deployment, pages)
    terminal.say(f"{count} files published")
    terminal.print_lines(site.page_lines(deployment))


@app.command()
def snippet(
    connection: Connection,
    site_key: Annotated[str, Argument(metavar="SITE_KEY", help="Key of sessions.sites in the configuration.")],
) -> None:
    """Print the script tag that a shop's pages need.

    Example: alsolike web snippet www --env prod
    """
    terminal.print_line(site.snippet(connection.deployment, site_key))


def _currency(code: str | None) -> str | None:
    if code is not None and not re.fullmatch("[A-Za-z]{3}", code):
        raise typer.BadParameter(f"{code!r}, expected three letters of ISO 4217, such as EUR")
    return code and code.upper()


@app.command()
def cards(
    connection: Connection,
    title: Annotated[str | None, Option(help="Column of the title.", show_default="TITLE")] = None,
    subtitle: Annotated[
        str | None, Option(help="Column of the line below the title.", show_default="CATEGORY_L2")
    ] = None,
    image: Annotated[str | None, Option(help="Column of picture URLs.", show_default="a drawing")] = None,
    category: Annotated[
        str | None, Option(help="Column of the categories to browse by.", show_default="CATEGORY_L1")
    ] = None,
    currency: Annotated[
        str | None,
        Option(help="Currency of the prices, a code such as EUR.", callback=_currency, show_default="none"),
    ] = None,
) -> None:
    """Choose the columns of cards and the currency of prices.

    A call without an option restores the default of this option.

    Example: alsolike web cards --title NAME --subtitle AUTHOR --category GENRE --currency EUR
    """
    selected = {"title": title, "subtitle": subtitle, "image": image, "category": category, "currency": currency}
    columns = {place: column for place, column in selected.items() if column is not None}
    site.choose(connection.deployment, "cards", columns)
    terminal.say("cards changed; reload the storefront")


@app.command()
def consoles(
    connection: Connection,
    others: Annotated[list[str] | None, Argument(metavar="NAME=URL", help="Other environments' pages.")] = None,
) -> None:
    """Choose the environments that the console's menu lists.

    Without arguments, the menu lists no environments.

    Example: alsolike web consoles shop-b=https://d222.cloudfront.net
    """
    addresses = {}
    for other in others or ():
        name, _, url = other.partition("=")
        if not name or not url.startswith("https://"):
            raise typer.BadParameter(f"{other!r}, expected NAME=https://…", param_hint="NAME=URL")
        addresses[name] = url.rstrip("/")
    site.choose(connection.deployment, "consoles", addresses)
    terminal.say("environments changed; reload the console")
