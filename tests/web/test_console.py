import re

import pytest
from playwright.sync_api import expect

from alsolike.runtime.s3 import delete_objects, listed
from tests.booted.shop import eventually
from tests.booted.versions import publish_copy
from tests.web.browser import no_serious_violations
from tests.web.console import VIEWS, champion_of, show

_UNKNOWN = dict.fromkeys(("perUser", "low", "high", "total", "totalLow", "totalHigh"))
HOLDOUT = {
    "name": "holdout",
    "startMs": 1_790_000_000_000,
    "endMs": None,
    "report": {
        "computedMs": 1_793_456_000_000,
        "days": 40.0,
        "users": 49_000,
        "heldOutUsers": 1_000,
        "attributedRevenue": 81_250.0,
        "increments": [
            {
                "metric": "orders",
                "withRecommendations": 1.31,
                "heldOut": 1.2,
                **{"perUser": 0.11, "low": 0.02, "high": 0.2, "total": 5390, "totalLow": 980, "totalHigh": 9800},
                "daysUntilInterval": 40.0,
                "waits": [{"precision": 0.1, "days": 22.5}, {"precision": 0.05, "days": 90.0}],
            },
            {
                "metric": "revenue",
                "withRecommendations": 41.2,
                "heldOut": 39.8,
                **_UNKNOWN,
                "daysUntilInterval": 44.0,
                "waits": [{"precision": 0.1, "days": None}, {"precision": 0.05, "days": None}],
            },
        ],
    },
}
"""Report of a holdout with an interval for orders only."""


def test_each_view_loads_from_the_deployment(page, shop, watch, subtests):
    for view, title in VIEWS.items():
        with subtests.test(view=view):
            show(page, shop, view)

            expect(page.get_by_role("heading", level=1)).to_have_text(title)
            expect(page.get_by_role("link", name=title).first).to_have_attribute("aria-current", "page")
            expect(page.get_by_text("could not be loaded")).to_have_count(0)
            expect(page).to_have_title(re.compile(title))
            watch.check()


def test_version_page_has_gate_results_and_candidates(page, shop):
    show(page, shop, "models")
    version = champion_of(page).inner_text()

    page.get_by_role("link", name=version).first.click()

    expect(page.get_by_role("heading", level=1)).to_have_text(version)
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    expect(page.get_by_text("passed").first).to_be_visible()
    candidates = page.get_by_role("table", name="Candidates")
    expect(candidates.get_by_role("row").filter(has_text="winner")).to_have_count(1)


def test_overview_counts_short_lists_by_recommender_and_filter(page, shop):
    assert 0 < len(shop.recommend("user-0", k=100).items) < 100

    def counted():
        shop.cloud.flush()
        return any(row["short"] for row in shop.administer("GET", "/operator/traffic").document["incomplete"])

    assert eventually(counted)

    show(page, shop, "overview")

    table = page.get_by_role("table", name="Empty and short lists by recommender and filter")
    row = table.get_by_role("row").filter(has_text="none")
    expect(row.get_by_role("cell").last).to_have_text(re.compile(r"^[1-9]\d*$"))
    page.get_by_role("link", name="Runbook", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Empty lists")


def test_damaged_version_is_named_with_its_repair(page, shop):
    publish_copy(shop, shop.alsolike("status")["champion"]["version"], "damaged-copy", passed=False)
    s3, bucket = shop.cloud.client("s3"), shop.name("artefact-bucket")
    s3.delete_object(Bucket=bucket, Key="models/damaged-copy/graph.onnx")

    show(page, shop, "models")
    row = page.get_by_role("row").filter(has_text="damaged-copy")
    expect(row.get_by_text("damaged", exact=True)).to_be_visible()
    row.get_by_role("link", name="damaged-copy").click()

    expect(page.get_by_text("Damaged files: graph.onnx is missing.")).to_be_visible()
    delete_objects(s3, bucket, [entry.key for entry in listed(s3, bucket, "models/damaged-copy/")])


def test_rules_preview_has_lists_with_and_without_the_rules(page, shop):
    show(page, shop, "rules")

    page.get_by_label("Recommender").select_option("for-you")
    page.get_by_label("User").fill("user-0")
    page.get_by_role("button", name="Preview").click()

    for title in ("Without the rules", "With the rules"):
        section = page.locator("section").filter(has=page.get_by_role("heading", name=title, exact=True)).last
        expect(section.get_by_role("listitem")).to_have_count(10)


def test_cost_is_for_the_entered_load(page, shop):
    show(page, shop, "cost")

    page.get_by_label("Users").fill("50000")
    page.get_by_label("Events a day").fill("200000")
    page.get_by_role("button", name="Calculate").click()

    expect(page.get_by_text("as entered here")).to_be_visible()
    expect(page.get_by_label("Users")).to_have_value("50000")
    expect(page.get_by_role("table", name="Costs by usage").first).to_be_visible()


def test_engagement_without_a_holdout_shows_the_command_that_starts_one(page, shop):
    show(page, shop, "engagement")

    expect(page.get_by_role("heading", name="No holdout is configured")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^Copy: alsolike experiments start holdout"))).to_be_visible()


@pytest.mark.parametrize("device", ["page", "phone"])
def test_incremental_sales_are_next_to_attributed_revenue_and_bill(device, shop, request):
    page = request.getfixturevalue(device)
    page.route(re.compile("/operator/increments"), lambda route: route.fulfill(json={"holdout": HOLDOUT}))

    show(page, shop, "engagement")

    tiles = page.get_by_role("region", name="Incremental sales").locator(".tile")
    expect(tiles).to_have_count(4)
    for tile, texts in zip(
        tiles.all(),
        (
            ("Added orders", "+5,390", "95% interval +980 to +9,800"),
            ("Added revenue", "too early", "10 of them with an order: in about 4 days."),
            ("Attributed revenue", "81,250"),
            ("Bill", "about $", "of 40 days, estimated from the load of the last day"),
        ),
        strict=True,
    ):
        for text in texts:
            expect(tile).to_contain_text(text)
    expect(page.get_by_text("±5.0%: in about 50 days")).to_be_visible()
    no_serious_violations(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_count_of_the_holdout_starts_the_attribution(page, shop):
    waiting = HOLDOUT | {"report": None}
    page.route(re.compile("/operator/increments"), lambda route: route.fulfill(json={"holdout": waiting}))
    show(page, shop, "engagement")

    with page.expect_response(re.compile("/operator/engagement")) as answer:
        page.get_by_role("button", name="Count the holdout now").click()

    assert answer.value.request.method == "POST"
    assert answer.value.status == 202
    expect(page.get_by_text("The report follows within some minutes.")).to_be_visible()


def test_failed_request_shows_an_error_and_keeps_loaded_data(page, shop, watch):
    watch.expect("answer 503: GET .*/operator/alarms")
    alarms = re.compile(r"/operator/alarms")

    def refuse(route):
        route.fulfill(
            status=503, headers={"x-amzn-errortype": "ServiceUnavailable"}, body='{"message": "CloudWatch is silent"}'
        )

    page.route(alarms, refuse)
    show(page, shop, "alarms")
    expect(page.get_by_role("alert")).to_contain_text("CloudWatch is silent")
    page.unroute(alarms)
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("table", name="All alarms")).to_be_visible()

    page.route(alarms, refuse)
    page.get_by_role("button", name="Refresh").click()

    expect(page.get_by_text("These alarms are from")).to_be_visible()
    expect(page.get_by_role("table", name="All alarms")).to_be_visible()


def test_live_views_are_refreshed_until_paused(page, shop):
    page.clock.install()
    show(page, shop, "alarms")
    requests = []
    page.on("request", lambda request: requests.append(request.url) if "/operator/alarms" in request.url else None)

    with page.expect_request(re.compile("/operator/alarms")):
        page.clock.run_for(12_000)
    expect(page.get_by_text(re.compile("updated just now"))).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused")).to_be_visible()
    requests.clear()
    page.clock.run_for(60_000)
    expect(page.get_by_text("updated 1 min ago")).to_be_visible()

    assert requests == []


def test_chart_has_a_table_of_its_values(page, shop):
    show(page, shop, "overview")
    chart = page.get_by_role("figure").filter(has=page.get_by_role("img", name=re.compile("^Requests per minute")))
    # Charts leave out the current minute, in which the shop may have received all its data.
    expect(chart).to_be_visible(timeout=180_000)

    chart.get_by_text("Show as a table").press("Enter")

    table = chart.get_by_role("table", name="Requests per minute")
    expect(table.get_by_role("columnheader")).to_have_text(["Time", "Requests", "4xx", "5xx"])
    expect(table.get_by_role("row").nth(1)).to_be_visible()


def test_views_are_within_the_width_of_a_phone(phone, shop, subtests):
    for view in VIEWS:
        with subtests.test(view=view):
            show(phone, shop, view)

            assert phone.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
            expect(phone.get_by_role("navigation")).to_be_hidden()


def test_tables_on_a_phone_have_all_columns(phone, shop, subtests):
    for view in ("models", "cost", "alarms"):
        with subtests.test(view=view):
            show(phone, shop, view)

            cells = phone.locator("main td:visible")
            expect(cells.nth(3)).to_be_visible()
            assert cells.evaluate_all("cells => cells.every(c => c.getBoundingClientRect().right <= innerWidth)")
            assert cells.first.evaluate("cell => getComputedStyle(cell, '::before').content") not in ("none", '""')


def test_alarm_links_to_its_runbook(page, shop):
    show(page, shop, "alarms")
    row = page.get_by_role("table", name="All alarms").get_by_role("row").filter(has_text="ApiSlow")
    expect(row.last).to_contain_text("p99 latency, ms: above")
    expect(page.get_by_role("main")).not_to_contain_text(re.compile(r"[0-9A-F]{8}-\w"))

    row.last.get_by_role("link", name="API errors and degraded responses").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("API errors and degraded responses")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    expect(page.get_by_role("button", name="Copy: alsolike models list")).to_be_visible()


def test_button_starts_the_attribution(page, shop):
    show(page, shop, "engagement")

    page.get_by_role("button", name="Count now").click()

    expect(page.get_by_role("status").filter(has_text="Attribution has started")).to_be_visible()


def test_phone_menu_opens_a_view_and_closes(phone, shop):
    show(phone, shop, "overview")

    phone.get_by_role("button", name="Menu").click()
    phone.get_by_role("navigation").get_by_role("link", name="Models").click()

    expect(phone.get_by_role("heading", level=1)).to_have_text("Models")
    expect(phone.get_by_role("navigation")).to_be_hidden()


def test_views_have_no_serious_accessibility_violation(page, shop, subtests):
    for view in (*VIEWS, "alarms/errors"):
        with subtests.test(view=view):
            show(page, shop, view)
            no_serious_violations(page)
    show(page, shop, "models")
    page.get_by_role("button", name="Roll back").click()
    no_serious_violations(page)
