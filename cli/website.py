"""`alsolike web`: the pages of a deployment, storefront and console."""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alsolike.errors import NotFound
from cli.options import Stack, State

if TYPE_CHECKING:
    from cli.deployment import Deployment, Names

app = typer.Typer(no_args_is_help=True, help="The pages: storefront and console.")

SITE_KEY = "site.json"
# Vite names what it puts into assets/ after its contents.
_FOREVER, _ASK_EACH_TIME = "public, max-age=31536000, immutable", "no-cache"


@app.command()
def publish(
    pages: Annotated[Path | None, typer.Option(help="Folder of built pages.", show_default="build them here")] = None,
    stack: Stack = None,
    state: State = None,
) -> None:
    """Put the pages, and what they have to know of the deployment, where its users see them."""
    from cli import boot, console, deployment

    where = deployment.resolve(stack=stack, state=state)
    if pages is None:
        boot.build_pages()
        pages = boot.PAGES
    count = publish_pages(where, pages)
    console.say(f"{count} files published")
    for line in page_lines(where):
        console.print_line(line)


def publish_pages(deployment: Deployment, pages: Path) -> int:
    """Upload the pages in a folder and `site.json`, remove what is not of them; return how many files there are.

    A page is replaced after all that it refers to is there, and nothing that it refers to goes before.

    Raises
    ------
    NotFound
        If the deployment has no pages, or the folder none.
    Unavailable
        If S3 refuses.
    """
    from cli.aws import asking

    names = deployment.names
    if not names.web_bucket:
        raise NotFound(f"deployment {deployment.environment!r} has no pages: its setting `web` is false")
    if not (pages / "index.html").is_file():
        raise NotFound(f"{pages} has no pages, expected index.html; build them with `make web WHAT=build`")
    files = {path.relative_to(pages).as_posix(): path.read_bytes() for path in _files(pages)}
    files[SITE_KEY] = json.dumps(site(deployment.environment, names), indent=2).encode()
    s3 = deployment.client("s3")
    with asking(f"bucket {names.web_bucket}"):
        for key in sorted(files, key=lambda key: (not key.startswith("assets/"), key)):
            s3.put_object(
                Bucket=names.web_bucket,
                Key=key,
                Body=files[key],
                ContentType=_content_type(key),
                CacheControl=_FOREVER if key.startswith("assets/") else _ASK_EACH_TIME,
            )
        listed = s3.get_paginator("list_objects_v2").paginate(Bucket=names.web_bucket)
        for page in listed:
            for found in page.get("Contents", []):
                if found["Key"] not in files:
                    s3.delete_object(Bucket=names.web_bucket, Key=found["Key"])
    return len(files)


def site(environment: str, names: Names) -> dict[str, object]:
    """Return what the pages have to know: the type `Site` of `web/src/platform/site.ts`."""
    from cli.deployment import ADMINISTER, READ_RECOMMENDATIONS, WRITE_EVENTS

    return {
        "environment": environment,
        "api": "/api",
        "trackingId": names.tracking_id,
        "signIn": {
            "authorizeUrl": f"{names.sign_in_url}/oauth2/authorize",
            "tokenUrl": f"{names.sign_in_url}/oauth2/token",
            "logoutUrl": f"{names.sign_in_url}/logout",
            "clientId": names.web_client_id,
            "scopes": ["openid", READ_RECOMMENDATIONS, WRITE_EVENTS, ADMINISTER],
        },
    }


def page_lines(deployment: Deployment) -> list[str]:
    """Return the addresses of the pages; none where the deployment has no pages."""
    url = deployment.names.web_url
    return [f"storefront    {url}/", f"console       {url}/console.html"] if url else []


def _files(directory: Path) -> Iterator[Path]:
    return (path for path in directory.rglob("*") if path.is_file())


def _content_type(key: str) -> str:
    """Return a file's media type, the same on every machine."""
    known = {".js": "text/javascript", ".svg": "image/svg+xml", ".woff2": "font/woff2"}
    kind = known.get(Path(key).suffix) or mimetypes.guess_type(key)[0] or "application/octet-stream"
    return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind
