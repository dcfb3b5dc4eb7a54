"""Delivery of the pages: signed in, with the headers that the template states, from one host."""

from __future__ import annotations

import json
import re
import urllib.request
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, Request

from tests.web.browser import Watch, no_serious_violations
from tests.web.pages_shop import PagesShop

PAGES = {"/": "storefront", "/console.html": "console"}


def open_page(page: Page, shop: PagesShop, path: str) -> None:
    """Open a page and wait until it is there, signed in."""
    page.goto(f"{shop.url}{path}")
    page.get_by_role("main").wait_for()


@pytest.mark.parametrize("path", PAGES)
def test_page_signs_in_by_itself_and_shows(path: str, page: Page, shop: PagesShop) -> None:
    open_page(page, shop, path)

    assert page.get_by_role("heading", level=1).count() == 1
    assert page.url.startswith(f"{shop.url}{path}")
    assert not {"code", "state"} & set(parse_qs(urlsplit(page.url).query))


@pytest.mark.parametrize("path", PAGES)
def test_no_barrier_is_serious(path: str, page: Page, shop: PagesShop) -> None:
    open_page(page, shop, path)

    no_serious_violations(page)


def test_the_sign_in_comes_back_to_where_the_page_was(page: Page, shop: PagesShop) -> None:
    open_page(page, shop, "/console.html?kept=1#/models")

    assert page.url == f"{shop.url}/console.html?kept=1#/models"


def test_the_sign_in_shows_no_secret_on_its_way(page: Page, shop: PagesShop) -> None:
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request))

    open_page(page, shop, "/console.html")

    (authorize,) = [r for r in asked if urlsplit(r.url).path == "/oauth2/authorize"]
    (token,) = [r for r in asked if urlsplit(r.url).path == "/oauth2/token"]
    question, form = parse_qs(urlsplit(authorize.url).query), parse_qs(token.post_data or "")
    assert question["code_challenge_method"] == ["S256"]
    assert question["code_challenge"] != form["code_verifier"]
    assert "client_secret" not in form
    stored = page.evaluate("() => JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    assert "ey" + "J" not in stored  # the beginning of every token
    assert form["code_verifier"][0] not in stored


def test_a_sign_in_that_was_begun_elsewhere_is_refused(page: Page, shop: PagesShop) -> None:
    page.goto(f"{shop.url}/console.html?code=stolen&state=foreign")

    alert = page.get_by_role("alert")
    alert.wait_for()
    assert "not begun in this tab" in alert.inner_text()
    assert "stolen" not in page.url


def test_who_has_signed_out_stays_out_until_they_sign_in(page: Page, shop: PagesShop) -> None:
    open_page(page, shop, "/console.html")

    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("heading", name="Signed out").wait_for()
    page.reload()
    page.get_by_role("heading", name="Signed out").wait_for()
    page.get_by_role("button", name="Sign in").click()

    page.wait_for_function("() => !document.body.innerText.includes('Signed out')")
    page.get_by_role("main").wait_for()


@pytest.mark.parametrize("path", PAGES)
def test_the_policy_lets_in_nothing_but_the_site_and_the_sign_in(path: str, shop: PagesShop) -> None:
    with urllib.request.urlopen(f"{shop.url}{path}", timeout=30) as answer:
        headers = answer.headers
        html = answer.read().decode()

    policy = dict(part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";"))
    assert (policy["default-src"], policy["script-src"]) == ("'none'", "'self'")
    assert policy["connect-src"] == f"'self' {shop.sign_in_url}"
    assert headers["cache-control"] == "no-cache"
    assert not re.findall(r"(?:src|href)=\"(?!/)", html)
    assert not re.findall(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=", html)


def test_a_script_that_got_into_a_page_is_not_run(page: Page, shop: PagesShop, watch: Watch) -> None:
    watch.expect("Content Security Policy|TrustedScript|trusted type")
    open_page(page, shop, "/")

    ran = page.evaluate(
        """() => {
          const script = document.createElement("script");
          try { script.textContent = "window.ran = true"; document.body.append(script); } catch {}
          return window.ran === true;
        }"""
    )

    assert ran is False


def test_assets_are_kept_for_ever_and_what_names_them_never(shop: PagesShop) -> None:
    with urllib.request.urlopen(f"{shop.url}/", timeout=30) as answer:
        asset = re.search(r'src="(/assets/[^"]+\.js)"', answer.read().decode())
    assert asset
    with urllib.request.urlopen(f"{shop.url}{asset[1]}", timeout=30) as answer:
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["content-type"].startswith("text/javascript")
    with urllib.request.urlopen(f"{shop.url}/site.json", timeout=30) as answer:
        assert answer.headers["cache-control"] == "no-cache"
        assert json.load(answer)["api"] == "/api"
