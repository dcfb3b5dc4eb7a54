"""Delivery of the pages: sign-in and response headers."""

import json
import re
import urllib.request
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Request, expect

from tests.web.browser import no_serious_violations

PAGES = {"/": "storefront", "/console.html": "console"}


def open_page(page, shop, path):
    page.goto(f"{shop.url}{path}")
    page.get_by_role("main").wait_for()


@pytest.mark.parametrize("path", PAGES)
def test_page_signs_in_automatically_and_is_displayed(path, page, shop):
    open_page(page, shop, path)

    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    assert page.url.startswith(f"{shop.url}{path}")
    assert not {"code", "state"} & set(parse_qs(urlsplit(page.url).query))


@pytest.mark.parametrize("path", PAGES)
def test_pages_have_no_serious_accessibility_violation(path, page, shop):
    open_page(page, shop, path)

    no_serious_violations(page)


def test_sign_in_returns_to_the_original_address(page, shop):
    open_page(page, shop, "/console.html?kept=1#/models")

    assert page.url == f"{shop.url}/console.html?kept=1#/models"


def test_sign_in_has_no_secret_in_addresses_or_storage(page, shop):
    requests: list[Request] = []
    page.on("request", lambda request: requests.append(request))

    open_page(page, shop, "/console.html")

    (authorize,) = [r for r in requests if urlsplit(r.url).path == "/oauth2/authorize"]
    (token,) = [r for r in requests if urlsplit(r.url).path == "/oauth2/token"]
    query, form = parse_qs(urlsplit(authorize.url).query), parse_qs(token.post_data or "")
    assert query["code_challenge_method"] == ["S256"]
    assert query["code_challenge"] != form["code_verifier"]
    assert "client_secret" not in form
    stored = page.evaluate("() => JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    assert "ey" + "J" not in stored  # the start of every token
    assert form["code_verifier"][0] not in stored


def test_sign_in_of_another_tab_is_refused(page, shop):
    page.goto(f"{shop.url}/console.html?code=stolen&state=foreign")

    alert = page.get_by_role("alert")
    alert.wait_for()
    assert "not begun in this tab" in alert.inner_text()
    assert "stolen" not in page.url


def test_signed_out_user_stays_signed_out_until_sign_in(page, shop):
    open_page(page, shop, "/console.html")

    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("heading", name="Signed out").wait_for()
    page.reload()
    page.get_by_role("heading", name="Signed out").wait_for()
    page.get_by_role("button", name="Sign in").click()

    page.wait_for_function("() => !document.body.innerText.includes('Signed out')")
    page.get_by_role("main").wait_for()


@pytest.mark.parametrize("path", PAGES)
def test_security_policy_permits_only_the_site_and_the_sign_in(path, shop):
    with urllib.request.urlopen(f"{shop.url}{path}", timeout=60) as answer:
        headers = answer.headers
        html = answer.read().decode()

    policy = dict(part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";"))
    assert (policy["default-src"], policy["script-src"]) == ("'none'", "'self'")
    assert policy["connect-src"] == f"'self' {shop.sign_in_url}"
    assert headers["cache-control"] == "no-cache"
    assert not re.findall(r"(?:src|href)=\"(?!/)", html)
    assert not re.findall(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=", html)


def test_injected_script_is_not_run(page, shop, watch):
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


def test_assets_are_cached_and_files_that_name_them_are_not(shop):
    with urllib.request.urlopen(f"{shop.url}/", timeout=60) as answer:
        asset = re.search(r'src="(/assets/[^"]+\.js)"', answer.read().decode())
    assert asset
    with urllib.request.urlopen(f"{shop.url}{asset[1]}", timeout=60) as answer:
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["content-type"].startswith("text/javascript")
    with urllib.request.urlopen(f"{shop.url}/site.json", timeout=60) as answer:
        assert answer.headers["cache-control"] == "no-cache"
        assert json.load(answer)["api"] == "/api"
