"""Web pages of a deployment: files, settings and URLs of the storefront and the console."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import mimetypes
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, get_args

from alsolike.declarations.parameters import Names
from alsolike.declarations.routes import ADMINISTER, READ_RECOMMENDATIONS, WRITE_EVENTS
from alsolike.declarations.storage import LISTS_KEY, LISTS_PREFIX
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.errors import NotFound
from operations.client.aws import translate_aws_errors
from operations.client.deployment import Deployment

SITE_KEY = "site.json"
Choice = Literal["cards", "consoles"]
PAGES = {"storefront": "", "console": "console.html"}
"""Paths of the pages by name. The sign-in page redirects to them."""
SCRIPTS = "sdk/"
"""Prefix of the browser SDK's scripts, one per version. Scripts of earlier versions are kept."""
KEPT = (SCRIPTS, LISTS_PREFIX)
"""Prefixes of files that a publication does not delete."""
# Files below assets/ can be cached forever, because Vite derives their names from the contents.
_FOREVER, _REVALIDATE = "public, max-age=31536000, immutable", "no-cache"
_ONE_HOUR = "public, max-age=3600"


def choose(deployment: Deployment, name: Choice, values: Mapping[str, str]) -> None:
    """Replace a setting of the pages. Empty values restore the default.

    `cards` are columns by their position on the storefront's cards, and the currency. `consoles` are URLs of other
    environments' consoles by name.
    """
    bucket, s3 = _bucket(deployment), deployment.client("s3")
    with translate_aws_errors(f"bucket {bucket}"):
        listed = s3.list_objects_v2(Bucket=bucket, Prefix=SITE_KEY).get("Contents")
        settings = {**(_settings(s3, bucket) if listed else {}), name: values}
        _put(s3, bucket, SITE_KEY, _site_json(deployment, settings))


def publish(deployment: Deployment, pages: Path) -> int:
    """Upload the pages of a folder after the files that they load, then delete obsolete files. Return the number of
    uploaded files.

    Also set the pages' URLs in the user pool client, because the template creates the user pool before the
    distribution.
    """
    bucket = _bucket(deployment)
    if not (pages / "index.html").is_file():
        raise NotFound(f"{pages} has no pages, expected index.html; build them with `make web WHAT=build`")
    files = {path.relative_to(pages).as_posix(): path.read_bytes() for path in _files(pages)}
    s3 = deployment.client("s3")
    with translate_aws_errors(f"bucket {bucket}"):
        listed = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        old = {entry["Key"] for page in listed for entry in page.get("Contents", [])}
        files[SITE_KEY] = _site_json(deployment, _settings(s3, bucket) if SITE_KEY in old else {})
        for key in sorted(files, key=lambda key: (key.endswith(".html"), key)):
            _put(s3, bucket, key, files[key])
        for key in sorted(key for key in old - files.keys() if not key.startswith(KEPT)):
            s3.delete_object(Bucket=bucket, Key=key)
    with translate_aws_errors("Cognito"):
        _return_to_pages(deployment.client("cognito-idp"), deployment.names)
    return len(files)


def snippet(deployment: Deployment, site_key: str) -> str:
    """Return the HTML for a shop's pages, which loads the latest published script of the browser SDK.

    The pages call the API at its own domain if it has one, so that a second region can take over. Otherwise, they call
    it through the distribution, because the firewall there limits the requests of each IP address.
    """
    bucket, s3, names = _bucket(deployment), deployment.client("s3"), deployment.names
    with translate_aws_errors(f"bucket {bucket}"):
        listed = s3.list_objects_v2(Bucket=bucket, Prefix=SCRIPTS).get("Contents", [])
        scripts = [entry for entry in listed if entry["Key"].endswith("/alsolike.js")]
        if not scripts:
            raise NotFound(f"bucket {bucket} has no script of the browser package; run `alsolike web publish`")
        key = max(scripts, key=lambda entry: entry["LastModified"])["Key"]
        body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        has_lists = "Contents" in s3.list_objects_v2(Bucket=bucket, Prefix=LISTS_KEY)
    attributes = {
        "src": f"{names.web_url}/{key}",
        "integrity": f"sha384-{base64.b64encode(hashlib.sha384(body).digest()).decode()}",
        "crossorigin": "anonymous",
        "data-api": names.client_url if names.api_domain else f"{names.web_url}/api",
        "data-site-key": site_key,
        **({"data-lists": f"{names.web_url}/{LISTS_PREFIX.rstrip('/')}"} if has_lists else {}),
    }
    stated = "".join(f' {name}="{html.escape(value)}"' for name, value in attributes.items())
    return f"<script async{stated}></script>"


def _return_to_pages(cognito: Any, names: Names) -> None:
    """Allow sign-ins and sign-outs of the web client to return to the pages."""
    client = {"UserPoolId": names.user_pool_id, "ClientId": names.web_client_id}
    stored = cognito.describe_user_pool_client(**client)["UserPoolClient"]
    urls = list(page_urls(names).values())
    # An update resets every omitted setting.
    kept = cognito.meta.service_model.operation_model("UpdateUserPoolClient").input_shape.members.keys() & stored.keys()
    cognito.update_user_pool_client(
        **{name: stored[name] for name in kept} | {"CallbackURLs": urls, "LogoutURLs": urls}
    )


def _bucket(deployment: Deployment) -> str:
    if not deployment.names.web_bucket:
        raise NotFound(
            f"deployment {deployment.environment!r} has no pages: its setting `web` is false, or "
            f"its stack alsolike-{deployment.environment}-pages is not deployed"
        )
    return deployment.names.web_bucket


def _put(s3: S3Client, bucket: str, key: str, body: bytes) -> None:
    s3.put_object(
        Bucket=bucket,
        Key=key,
        Body=body,
        ContentType=_content_type(key),
        CacheControl=_cache_control(key),
    )


def _cache_control(key: str) -> str:
    if key.startswith("assets/"):
        return _FOREVER
    return _ONE_HOUR if key.startswith(SCRIPTS) else _REVALIDATE


def _settings(s3: S3Client, bucket: str) -> dict[str, Mapping[str, str]]:
    published = json.loads(s3.get_object(Bucket=bucket, Key=SITE_KEY)["Body"].read())
    return {name: published[name] for name in get_args(Choice) if name in published}


def _site_json(deployment: Deployment, settings: Mapping[str, Mapping[str, str]]) -> bytes:
    own = {name: dict(values) for name, values in settings.items() if values}
    return json.dumps({**site(deployment.environment, deployment.names), **own}, indent=2).encode()


def site(environment: str, names: Names) -> dict[str, object]:
    """Return the settings that the pages load, in the form of the type `Site` of `web/src/platform/site.ts`."""
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


def page_urls(names: Names) -> dict[str, str]:
    """Return the URLs of the pages by name, or none if the deployment has no pages."""
    url = names.web_url
    return {name: f"{url}/{path}" for name, path in PAGES.items()} if url else {}


def page_lines(deployment: Deployment) -> list[str]:
    return [f"{name:13} {url}" for name, url in page_urls(deployment.names).items()]


def _files(directory: Path) -> Iterator[Path]:
    return (path for path in directory.rglob("*") if path.is_file())


def _content_type(key: str) -> str:
    """Return a file's media type. Media types of scripts, SVG images and fonts do not depend on this machine's
    settings.
    """
    known = {".js": "text/javascript", ".svg": "image/svg+xml", ".woff2": "font/woff2"}
    kind = known.get(Path(key).suffix) or mimetypes.guess_type(key)[0] or "application/octet-stream"
    return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind
