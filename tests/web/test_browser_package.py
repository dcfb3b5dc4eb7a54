"""Browser package on pages of another origin, which contain a snippet and lists."""

import base64
import gzip
import hashlib
import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.booted.shop import eventually
from tests.builders.snippets import snippets
from tests.web.browser import Watch, new_page, no_serious_violations

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "build" / "sdk"
SITE = "http://localhost:8000"
"""Origin that the embedded cloud permits. The origin has no server, so the tests respond to requests for its pages."""
MAX_BYTES = {"alsolike.js": 5 * 1024, "index.js": 5 * 1024, "static.js": 2 * 1024}
SEEN = "alsolike.recommend({recommender: 'recently-viewed'}).then(({items}) => items.map(({itemId}) => itemId))"

LISTS = """
<alsolike-list recommender="for-you" heading="For you" count="6" metadata="title,price" href="/products/{itemId}">
  <template><a href="{href}"><strong>{title}</strong></a> <button>Add</button></template>
  <p slot="empty">Nothing yet</p>
</alsolike-list>
<alsolike-list recommender="recently-viewed" count="4"><h3 slot="heading">Seen</h3><p slot="empty">Nothing yet</p>
</alsolike-list>
"""

SHOPIFY = """
<script>
  window.Shopify = {
    customerPrivacy: { analyticsProcessingAllowed: () => true },
    loadFeatures: (features, done) => done(),
  };
</script>
<form action="/cart/add" method="post"><button>Buy</button></form>
"""
"""The parts of Shopify's pages that the snippets of the guide use, with a visitor who has consented."""


def script():
    (found,) = (ROOT / "build" / "web" / "sdk").glob("*/alsolike.js")
    return found


def snippet(shop, **attributes):
    digest = base64.b64encode(hashlib.sha384(script().read_bytes()).digest()).decode()
    data = {"data-api": shop.cloud.api_url, "data-site-key": "www", "integrity": f"sha384-{digest}", **attributes}
    source = f"{shop.url}/sdk/{script().parent.name}/alsolike.js"
    return f'<script src="{source}" crossorigin async {" ".join(f"""{k}="{v}" """ for k, v in data.items())}></script>'


Open = Callable[..., Page]


@pytest.fixture
def watch(context, shop):
    found = Watch(context, origins=(SITE, shop.url, shop.cloud.api_url))
    yield found
    found.check()


@pytest.fixture
def open_site(context, watch, shop):
    def open_page(path="/", *, lists=LISTS, head=None, **attributes):
        html = f"""<!doctype html><html lang="en"><head><title>Fruit</title>{head or snippet(shop, **attributes)}</head>
            <body><main><h1>Fruit</h1>{lists}</main></body></html>"""
        page = new_page(context)
        page.route(f"{SITE}/**", lambda route: route.fulfill(body=html, content_type="text/html"))
        page.goto(f"{SITE}{path}")
        return page

    return open_page


def items(page, name="For you"):
    """Return the items of a list, which are in the page's own document."""
    lists = page.locator("alsolike-list").filter(has=page.get_by_role("heading", name=name))
    return lists.get_by_role("listitem")


def events(context):
    found: list[dict[str, Any]] = []

    def keep(request):
        if request.method == "POST" and urlsplit(request.url).path in ("/session/events", "/session/beacons"):
            found.extend(json.loads(request.post_data or "{}").get("eventList", []))

    context.on("request", keep)
    return found


def test_lists_of_a_page_with_only_the_snippet_follow_clicks(open_site):
    page = open_site()
    sent = events(page.context)
    expect(items(page)).to_have_count(6)
    expect(page.locator("alsolike-list").nth(1).get_by_text("Nothing yet")).to_be_visible()
    page.evaluate("addEventListener('click', (event) => event.preventDefault())")
    before = items(page).all_inner_texts()
    clicked = items(page).nth(2).get_attribute("data-item")

    begun = time.monotonic()
    items(page).nth(2).get_by_role("link").click()
    expect(items(page, "Seen")).to_have_count(1)
    print(f"lists followed the click after {time.monotonic() - begun:.1f} s")

    expect(items(page, "Seen")).to_have_attribute("data-item", str(clicked))
    expect(items(page)).not_to_have_text(before)
    (click,) = sent
    assert (click["eventType"], click["itemId"]) == ("click", clicked)
    assert len(click["recommendationId"]) == 40
    assert clicked in click["impression"]


def test_page_may_call_the_api_below_the_distribution(open_site, shop):
    page = open_site(**{"data-api": f"{shop.url}/api"})
    expect(items(page)).to_have_count(6)
    page.evaluate("addEventListener('click', (event) => event.preventDefault())")

    items(page).first.get_by_role("link").click()

    expect(items(page, "Seen")).to_have_count(1)


def test_click_that_leaves_the_page_is_sent_and_followed(open_site):
    page = open_site()
    sent = events(page.context)
    expect(items(page)).to_have_count(6)

    items(page).first.get_by_role("link").click()

    page.wait_for_url(re.compile("/products/item-"))
    expect(items(page)).to_have_count(6)
    assert eventually(lambda: page.evaluate(SEEN)) == [sent[0]["itemId"]]
    page.reload()
    expect(items(page, "Seen")).to_have_count(1)
    assert [event["eventType"] for event in sent] == ["click"]
    page.evaluate("id => alsolike.track({eventType: 'cart', itemId: id})", sent[0]["itemId"])
    page.evaluate("alsolike.flush()")
    assert sent[1]["recommendationId"] == sent[0]["recommendationId"]


def test_waiting_event_is_sent_when_the_page_is_left(open_site):
    page = open_site()
    expect(items(page)).to_have_count(6)

    page.evaluate("alsolike.track({eventType: 'view', itemId: 'item-05'}); location.href = '/next'")

    page.wait_for_url(re.compile("/next"))
    expect(items(page)).to_have_count(6)
    assert eventually(lambda: page.evaluate(SEEN)) == ["item-05"]


def test_snippets_of_the_html_guide_show_lists_and_send_events(open_site, context):
    sent = events(context)
    guide = "".join(text for *_, text in snippets(ROOT / "docs" / "guides" / "html.md", "html"))
    page = open_site(lists=f'<button id="add-to-cart">Buy</button>{guide.replace("b42", "item-05")}')

    expect(items(page).first.get_by_role("link")).to_have_text(re.compile("(Loaf|Cheese|Seed) No"))
    expect(items(page).first.get_by_role("link")).to_have_attribute("href", re.compile("^/products/item-"))
    expect(items(page, "Similar").first.get_by_role("link")).to_have_text(re.compile(" No. "))
    expect(page.locator("#alsolike-session")).to_have_value(page.evaluate("alsolike.sessionId()"))
    with page.expect_response(lambda one: '"cart"' in (one.request.post_data or "")) as answer:
        page.get_by_role("button", name="Buy").click()
    assert answer.value.status == 200
    assert [(event["eventType"], event["itemId"]) for event in sent] == [("view", "item-05"), ("cart", "item-05")]
    assert sent[1]["eventValue"] == 4.5
    assert eventually(lambda: page.evaluate(SEEN)) == ["item-05"]


def test_snippets_of_the_shopify_guide_show_lists_and_send_events(open_site, context):
    guide = "".join(text for *_, text in snippets(ROOT / "docs" / "guides" / "shopify.md", "liquid", "html"))
    theme = re.sub(r"{% schema %}.*?{% endschema %}", "", guide, flags=re.DOTALL).replace("{{ product.id }}", "item-05")
    carts: list[dict[str, Any]] = []

    def keep(request):
        if request.url.endswith("/cart/update.js"):
            carts.append(request.post_data_json)

    context.on("request", keep)
    page = open_site(lists=f"{SHOPIFY}{theme}", **{"data-consent": "false"})
    sent = events(page.context)

    for name in ("For you", "Similar"):
        expect(items(page, name).first.get_by_role("link")).to_have_text(re.compile(" No. "))
    session = page.evaluate("alsolike.sessionId()")
    assert eventually(lambda: page.evaluate("1") and carts)[0] == {"attributes": {"alsolike_session": session}}
    page.get_by_role("button", name="Buy").click()
    page.wait_for_url(re.compile("/cart/add"))
    assert eventually(lambda: page.evaluate(SEEN)) == ["item-05"]
    assert [event["itemId"] for event in sent if event["eventType"] == "cart"] == ["item-05"]


@pytest.mark.skipif(shutil.which("php") is None, reason="php is not installed (make setup WITH=php)")
def test_snippets_of_the_woocommerce_guide_show_lists_and_send_events(open_site, context, shop):
    guide = "".join(text for *_, text in snippets(ROOT / "docs" / "guides" / "woocommerce.md", "php"))
    tag = snippet(shop).replace("'", "\\'")
    theme = re.sub("<script async src=.*?</script>", lambda _: tag, guide)
    command = ["php", str(Path(__file__).with_name("woocommerce.php")), "item-05", "v-1'\\\\2<b>"]
    ran = subprocess.run(command, input=theme, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    parts = json.loads(ran.stdout)
    sent = events(context)
    product = f"""<form class="cart" action="/cart/add" method="post"><button>Buy</button></form>{parts["product"]}"""

    page = open_site(head=parts["head"], lists=product + parts["home"] + parts["checkout"])

    for name in ("For you", "Similar"):
        expect(items(page, name).first.get_by_role("link")).to_have_text(re.compile(" No. "))
    expect(page.locator("#alsolike-session")).to_have_value(page.evaluate("alsolike.sessionId()"))
    assert eventually(lambda: page.evaluate(SEEN)) == ["item-05"]
    page.get_by_role("button", name="Buy").click()
    page.wait_for_url(re.compile("/cart/add"))
    expect(items(page, "Similar")).not_to_have_count(0)
    assert [(event["eventType"], event["itemId"]) for event in sent[:2]] == [("view", "item-05"), ("cart", "item-05")]
    assert parts["order"] == {"_alsolike_session": "v-1'\\2"}


def test_list_is_walked_through_by_keyboard(open_site):
    page = open_site()
    expect(items(page)).to_have_count(6)
    page.keyboard.press("Tab")
    expect(items(page).nth(0).get_by_role("link")).to_be_focused()

    for key, place in (("ArrowRight", 1), ("End", 5), ("ArrowRight", 5), ("ArrowLeft", 4), ("Home", 0)):
        page.keyboard.press(key)
        expect(items(page).nth(place).get_by_role("link")).to_be_focused()
    page.keyboard.press("Tab")
    expect(items(page).nth(0).get_by_role("button")).to_be_focused()


def test_list_is_accessible(open_site):
    page = open_site()
    expect(items(page)).to_have_count(6)

    no_serious_violations(page)
    expect(page.get_by_role("region", name="For you").get_by_role("list")).to_have_attribute("aria-busy", "false")
    expect(page.get_by_role("heading", name="For you")).to_be_visible()


def test_css_variables_change_the_list(open_site):
    page = open_site(lists=f"<style>alsolike-list {{ --alsolike-item-width: 321px }}</style>{LISTS}")
    expect(items(page)).to_have_count(6)

    box = items(page).first.bounding_box()
    assert box
    assert box["width"] == 321


def test_values_of_the_catalogue_become_no_markup(open_site, context):
    metadata = {"title": "<img src=x onerror=alert(1)>", "url": "javascript:alert(1)", "code": "alert(1)"}
    answer = {"itemList": [{"itemId": "a/b?c", "metadata": metadata}], "recommendationId": "r" * 40}
    context.route("**/session/recommendations?*", lambda route: route.fulfill(json=answer))
    template = """<alsolike-list heading="For you" href="/p/{itemId}"><template>
        <a href="{href}" onclick="{code}" title="{title}">{title}</a><a href="{url}">bad</a></template>
        </alsolike-list>"""
    page = open_site(lists=template)

    links = items(page).get_by_role("link")
    expect(links).to_have_count(2)
    first, second = links.all()
    assert first.inner_text() == metadata["title"]
    assert first.get_attribute("title") == metadata["title"]
    assert first.get_attribute("onclick") == "{code}"
    assert first.get_attribute("href") == "/p/a%2Fb%3Fc"
    assert second.get_attribute("href") == "#"
    assert items(page).locator("img").count() == 0


def test_page_without_consent_sends_and_stores_nothing(open_site):
    page = open_site(**{"data-consent": "false"})
    sent = events(page.context)
    expect(items(page)).to_have_count(6)
    page.evaluate("alsolike.track({eventType: 'view', itemId: 'item-05'}, true)")

    assert (
        page.evaluate("() => JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])") == '[{},{},""]'
    )
    page.evaluate("alsolike.setConsent(true); alsolike.track({eventType: 'view', itemId: 'item-06'}, true)")
    expect(items(page, "Seen")).to_have_attribute("data-item", "item-06")
    assert [event["itemId"] for event in sent] == ["item-06"]


def test_other_key_or_recommender_gives_an_error_and_an_empty_list(open_site, watch):
    watch.expect("answer 40[04]")
    lists = '<alsolike-list heading="Trending" recommender="trending"><p slot="empty">Nothing yet</p></alsolike-list>'

    for attributes, status in (({}, 400), ({"data-site-key": "other"}, 404)):
        page = open_site(lists=lists, **attributes)
        expect(page.get_by_text("Nothing yet")).to_be_visible()
        error = page.evaluate("alsolike.recommend({recommender: 'trending'}).catch(({status}) => status)")
        assert error == status


def test_script_with_another_integrity_is_not_run(open_site, watch):
    watch.expect("integrity|ERR_FAILED|request failed")
    page = open_site(integrity=f"sha384-{base64.b64encode(bytes(48)).decode()}")

    page.wait_for_load_state("load")
    assert page.evaluate("window.alsolike") is None


def test_lists_follow_clicks_while_the_api_is_unreachable(open_site, shop, watch):
    watch.expect("request failed: .*/session/")
    page = open_site(**{"data-lists": f"{shop.url}/lists"})
    expect(items(page)).to_have_count(6)
    page.evaluate("addEventListener('click', (event) => event.preventDefault())")
    page.route(f"{shop.cloud.api_url}/**", lambda route: route.abort())
    items(page).nth(0).get_by_role("link").click()
    expect(items(page, "Seen")).to_have_count(1)  # the first call of the API fails
    before, seen = items(page).all_inner_texts(), len(watch.requested)
    assert all(before)

    clicked = items(page).nth(3).get_attribute("data-item")
    begun = time.monotonic()
    items(page).nth(3).get_by_role("link").click()
    expect(items(page, "Seen")).to_have_count(2)
    took_s = time.monotonic() - begun

    expect(items(page, "Seen").first).to_have_attribute("data-item", str(clicked))
    expect(items(page)).not_to_have_text(before)
    lists = [url for url in watch.requested if url.startswith(f"{shop.url}/lists/")]
    later = [url for url in watch.requested[seen:] if url.startswith(f"{shop.url}/lists/")]
    print(f"lists followed the click after {took_s:.1f} s: {len(lists)} requests in all, {len(later)} after the click")


def test_static_mode_calls_no_api_and_keeps_the_history_in_the_tab(open_site, shop, watch):
    options = {"data-lists": f"{shop.url}/lists", "data-mode": "static", "data-api": "", "data-site-key": ""}
    page = open_site(**options)
    expect(items(page)).to_have_count(6)
    popular = items(page).all_inner_texts()

    page.evaluate("alsolike.track({eventType: 'view', itemId: 'item-25'})")

    expect(items(page, "Seen")).to_have_attribute("data-item", "item-25")
    expect(items(page).first).to_have_attribute("data-item", re.compile("item-2"))
    expect(items(page)).not_to_have_text(popular)
    assert not [url for url in watch.requested if url.startswith(shop.cloud.api_url)]
    assert {urlsplit(url).path.split("/")[1] for url in watch.requested if url.startswith(shop.url)} == {"lists", "sdk"}
    assert "item-25" not in "".join(watch.requested)
    assert page.evaluate("[localStorage.length, Object.keys(sessionStorage)]") == [0, ["alsolike.history"]]
    assert page.evaluate("document.cookie") == ""


def test_static_lists_have_the_popular_items_and_pairs_of_five_users(shop):
    lists = shop.static_lists()

    assert len(lists["popular"]) == 30
    assert lists["eventWeights"]["purchase"] == 5


def test_files_are_small():
    paths = (script(), script().with_name("static.js"), PACKAGE / "dist" / "index.js")
    sizes = {path.name: len(gzip.compress(path.read_bytes(), 9)) for path in paths}

    print(sizes)
    assert {name: size for name, size in sizes.items() if size > MAX_BYTES[name]} == {}


def test_package_has_all_files_that_it_exports():
    package = json.loads((PACKAGE / "package.json").read_text())

    exported = package["exports"]["."]
    assert set(exported) == {"types", "default"}
    for path in (package["main"], package["types"], *exported.values(), "README.md"):
        assert (PACKAGE / path).is_file(), path
    assert not {"dependencies", "peerDependencies"} & set(package)


def test_package_has_the_version_of_the_product():
    product = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)

    assert product
    assert json.loads((PACKAGE / "package.json").read_text())["version"] == product[1]
