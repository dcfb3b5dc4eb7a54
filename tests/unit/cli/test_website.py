"""Objects that `alsolike web publish` uploads and browsers load."""

import base64
import dataclasses
import hashlib
import json

import pytest

from alsolike.runtime.errors import NotFound
from operations import pages as site
from tests.fakes.places import create_bucket
from tests.unit.cli.command_line import run


@pytest.fixture
def with_pages(deployment):
    cognito = deployment.client("cognito-idp")
    pool = cognito.create_user_pool(PoolName="operators")["UserPool"]["Id"]
    client = cognito.create_user_pool_client(
        UserPoolId=pool, ClientName="pages", AllowedOAuthFlows=["code"], CallbackURLs=["https://pages.invalid/"]
    )
    names = dataclasses.replace(
        deployment.names, user_pool_id=pool, web_url="https://site", web_bucket="pages",
        web_client_id=client["UserPoolClient"]["ClientId"], sign_in_url="https://sign-in",
    )  # fmt: skip
    s3 = deployment.client("s3")
    create_bucket(s3, "pages")
    s3.put_object(Bucket="pages", Key="assets/old.js", Body=b"old")
    return dataclasses.replace(deployment, names=names)


@pytest.fixture
def pages(tmp_path):
    (tmp_path / "assets").mkdir()
    for name in ("index.html", "assets/new.js", "assets/new.css", "icon.svg"):
        (tmp_path / name).write_text(name)
    return tmp_path


@pytest.fixture
def script(pages):
    script = pages / "sdk" / "0.3.0" / "alsolike.js"
    script.parent.mkdir(parents=True)
    script.write_text("script")
    return script


def put_lists(deployment):
    s3, bucket = deployment.client("s3"), deployment.names.web_bucket
    s3.put_object(Bucket=bucket, Key="lists/lists.json", Body=b"{}")


def published(deployment):
    s3 = deployment.client("s3")
    keys = [found["Key"] for found in s3.list_objects_v2(Bucket="pages")["Contents"]]
    return {key: s3.get_object(Bucket="pages", Key=key) for key in keys}


def site_file(deployment):
    return json.load(published(deployment)["site.json"]["Body"])


def test_hashed_files_are_cached_permanently_and_others_revalidated(with_pages, pages):
    assert site.publish(with_pages, pages) == 5

    found = {key: (each["ContentType"], each["CacheControl"]) for key, each in published(with_pages).items()}
    for_ever = "public, max-age=31536000, immutable"
    assert found == {
        "assets/new.js": ("text/javascript; charset=utf-8", for_ever),
        "assets/new.css": ("text/css; charset=utf-8", for_ever),
        "icon.svg": ("image/svg+xml", "no-cache"),
        "index.html": ("text/html; charset=utf-8", "no-cache"),
        "site.json": ("application/json", "no-cache"),
    }


def test_pages_are_uploaded_after_their_assets_and_old_files_deleted_last(with_pages, pages):
    calls: list[str] = []
    events = with_pages.client("s3").meta.events
    for operation in ("PutObject", "DeleteObject"):
        events.register(f"before-call.s3.{operation}", lambda params, **_: calls.append(params["url_path"]))

    site.publish(with_pages, pages)

    order = [call.removeprefix("/") for call in calls]
    assert max(order.index("assets/new.js"), order.index("site.json")) < order.index("index.html")
    assert order[-1] == "assets/old.js"


def test_scripts_of_earlier_versions_stay(with_pages, pages):
    for version in ("0.2.0", "0.3.0"):
        folder = pages / "sdk" / version
        folder.mkdir(parents=True)
        (folder / "alsolike.js").write_text(version)
        site.publish(with_pages, pages)
        (folder / "alsolike.js").unlink()

    found = published(with_pages)
    assert {"sdk/0.2.0/alsolike.js", "sdk/0.3.0/alsolike.js"} <= set(found)
    assert found["sdk/0.3.0/alsolike.js"]["CacheControl"] == "public, max-age=3600"


def test_snippet_names_the_latest_script_and_its_integrity(with_pages, pages, script):
    with pytest.raises(NotFound, match="has no script of the browser package; run `alsolike web publish`"):
        site.snippet(with_pages, "www")
    (script.parent / "static.js").write_text("another script")
    site.publish(with_pages, pages)

    digest = base64.b64encode(hashlib.sha384(b"script").digest()).decode()
    assert site.snippet(with_pages, "www") == (
        f'<script async src="https://site/sdk/0.3.0/alsolike.js" integrity="sha384-{digest}" crossorigin="anonymous" '
        'data-api="https://site/api" data-site-key="www"></script>'
    )


def test_snippet_of_a_shop_with_two_regions_calls_its_api_domain(with_pages, pages, script):
    site.publish(with_pages, pages)
    names = dataclasses.replace(with_pages.names, api_domain="api.shop.example")

    snippet = site.snippet(dataclasses.replace(with_pages, names=names), "www")

    assert 'data-api="https://api.shop.example"' in snippet


def test_static_lists_stay_and_are_named_in_the_snippet(with_pages, pages, script):
    site.publish(with_pages, pages)
    assert "data-lists" not in site.snippet(with_pages, "www")

    put_lists(with_pages)
    site.publish(with_pages, pages)

    assert 'data-lists="https://site/lists"' in site.snippet(with_pages, "www")


def test_site_file_has_the_sign_in_and_api_addresses(with_pages, pages):
    site.publish(with_pages, pages)

    assert site_file(with_pages) == {
        "environment": "shop",
        "api": "/api",
        "trackingId": with_pages.names.tracking_id,
        "signIn": {
            "authorizeUrl": "https://sign-in/oauth2/authorize",
            "tokenUrl": "https://sign-in/oauth2/token",
            "logoutUrl": "https://sign-in/logout",
            "clientId": with_pages.names.web_client_id,
            "scopes": ["openid", "alsolike/recommendations.read", "alsolike/events.write", "alsolike/admin"],
        },
    }


def test_sign_in_callbacks_are_the_published_pages(with_pages, pages):
    names = with_pages.names

    site.publish(with_pages, pages)

    stored = with_pages.client("cognito-idp").describe_user_pool_client(
        UserPoolId=names.user_pool_id, ClientId=names.web_client_id
    )["UserPoolClient"]
    assert stored["CallbackURLs"] == stored["LogoutURLs"] == ["https://site/", "https://site/console.html"]
    assert (stored["ClientName"], stored["AllowedOAuthFlows"]) == ("pages", ["code"])


def test_addresses_are_those_of_both_pages(with_pages, deployment):
    assert site.page_urls(with_pages.names) == {"storefront": "https://site/", "console": "https://site/console.html"}
    assert site.page_urls(deployment.names) == {}


def test_deployment_without_pages_is_refused(deployment, pages):
    with pytest.raises(NotFound, match="deployment 'shop' has no pages: its setting `web` is false"):
        site.publish(deployment, pages)


def test_folder_without_pages_is_refused_before_any_change(with_pages, tmp_path):
    with pytest.raises(NotFound, match=r"has no pages, expected index\.html"):
        site.publish(with_pages, tmp_path / "nothing")

    assert set(published(with_pages)) == {"assets/old.js"}


def test_cards_and_consoles_are_kept_when_pages_are_published_again(with_pages, pages):
    site.publish(with_pages, pages)
    site.choose(with_pages, "consoles", {"shop-b": "https://b.example"})
    site.choose(with_pages, "cards", {"title": "NAME", "image": "COVER_URL"})

    site.publish(with_pages, pages)

    stored = site_file(with_pages)
    assert (stored["cards"], stored["consoles"]) == (
        {"title": "NAME", "image": "COVER_URL"}, {"shop-b": "https://b.example"},
    )  # fmt: skip
    assert stored["signIn"]["clientId"] == with_pages.names.web_client_id
    site.choose(with_pages, "cards", {})
    assert "cards" not in site_file(with_pages)


@pytest.mark.parametrize(("given", "kept"), [("EUR", "EUR"), ("chf", "CHF")])
def test_cards_with_category_and_currency_are_stored(with_pages, select, given, kept):
    select(with_pages)

    run("web", "cards", "--category", "GENRE", "--currency", given, exit_code=0)

    assert site_file(with_pages)["cards"] == {"category": "GENRE", "currency": kept}
