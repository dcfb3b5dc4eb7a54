import json
import re

import pytest
from playwright.sync_api import expect

from tests.web.browser import no_serious_violations
from tests.web.console import show

LOCAL_OPERATOR, GROUP = "local-operator", "read-only"


def rules(shop):
    found = shop.administer("GET", "/operator/rules").document
    return {"version": found["version"], "draft": found["draft"]}


def publish(shop, **parts):
    live = rules(shop)
    answer = shop.administer("POST", "/operator/rules", {**live, "draft": {**live["draft"], **parts}, "reason": "test"})
    assert answer.status == 200, answer.document


@pytest.fixture(autouse=True)
def without_rules_afterwards(shop):
    yield
    publish(shop, filters={}, recommenders={}, rules={})


def add_rule_set(page, name):
    page.get_by_label("Name of the new rule set").fill(name)
    page.get_by_role("button", name="Add a rule set").click()
    expect(page.get_by_role("button", name=name, exact=False).first).to_have_attribute("aria-pressed", "true")


def listed(page, title):
    return page.get_by_role("region", name=title, exact=True).get_by_role("listitem")


def expect_state(page, text):
    """Wait until the state of the draft, which the page shows after the server's check, contains a text."""
    expect(page.get_by_role("region", name="Draft").get_by_role("status")).to_contain_text(text)


def test_pin_is_previewed_checked_published_and_undone(page, shop):
    show(page, shop, "rules")
    add_rule_set(page, "spring")
    page.get_by_label("Recommender").select_option("for-you")
    page.get_by_role("textbox", name="User").fill("user-0")
    page.get_by_role("button", name="Preview").click()
    today = listed(page, "Today")
    expect(today).to_have_count(10)
    first = today.first.inner_text()

    page.get_by_role("button", name="Add a pin").click()
    page.get_by_label("Item", exact=True).fill("item-29")
    expect(page.locator(".item-title")).to_contain_text("Seed No. 9")
    after = listed(page, "With the draft")
    expect(after.first).to_contain_text("Seed No. 9")
    expect(today.first).to_have_text(first, use_inner_text=True)

    page.get_by_role("spinbutton", name="Position").fill("0")
    expect(page.get_by_text("Position is 0, expected a whole number from 1 to 500")).to_be_visible()
    expect_state(page, "1 error")
    page.get_by_role("spinbutton", name="Position").fill("3")
    expect(after.nth(2)).to_contain_text("Seed No. 9")
    page.get_by_role("checkbox", name="for-you").check()
    expect_state(page, "2 changes")
    page.get_by_role("button", name="Review and publish").click()
    dialog = page.get_by_role("dialog", name="Publish the rules")
    expect(dialog.get_by_text("item item-29, position 3")).to_be_visible()
    dialog.get_by_label("Reason").fill("seeds for spring")
    dialog.get_by_role("button", name="Publish").click()

    expect(dialog).to_have_count(0)
    expect(page.get_by_role("status").filter(has_text="is live")).to_be_visible()
    assert rules(shop)["draft"]["rules"] == {"spring": {"pins": [{"item": "item-29", "position": 3}]}}
    assert rules(shop)["draft"]["recommenders"] == {"for-you": {"rules": "spring"}}
    history = page.get_by_role("table", name="History").get_by_role("row").filter(has_text="seeds for spring")
    history.get_by_role("button", name="Undo").click()
    expect(dialog.get_by_text("item item-29, position 3")).to_be_visible()
    dialog.get_by_label("Reason").fill("not yet")
    dialog.get_by_role("button", name="Publish").click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("heading", name="The configuration has no rules")).to_be_visible()
    assert rules(shop)["draft"] == {"filters": {}, "recommenders": {}, "rules": {}}


def test_rules_are_edited_by_keyboard(page, shop):
    show(page, shop, "rules")
    focused = page.locator(":focus")

    page.get_by_label("Name of the new rule set").focus()
    page.keyboard.type("autumn")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Add a pin").focus()
    for item_id in ("item-01", "item-11"):
        page.get_by_role("button", name="Add a pin").press("Enter")
        expect(focused).to_have_accessible_name("Item")
        page.keyboard.type(item_id)
        page.keyboard.press("Escape")  # closes the suggestions
    page.get_by_role("button", name="Move pin 1 down").focus()
    page.keyboard.press("Enter")
    expect(focused).to_have_accessible_name("Move pin 2 down")
    page.get_by_role("button", name="Delete pin 1").press("Enter")
    item = page.get_by_label("Item", exact=True)
    expect(item).to_have_count(1)
    expect(item).to_be_focused()
    expect(item).to_have_value("item-01")
    page.get_by_role("button", name="Undo edit").press("Enter")
    expect_state(page, "1 change")
    page.get_by_role("button", name="Review and publish").press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Reason")).to_be_focused()
    page.keyboard.type("by keyboard alone")
    expect(dialog.get_by_role("button", name="Publish")).to_be_enabled()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    expect(dialog).to_have_count(0)
    assert rules(shop)["draft"]["rules"] == {
        "autumn": {"pins": [{"item": "item-11", "position": 1}, {"item": "item-01", "position": 2}]}
    }


def test_draft_is_kept_and_combined_with_a_concurrent_change(page, shop, watch):
    watch.expect(r"answer 409: POST .*/operator/rules$")
    show(page, shop, "rules")
    add_rule_set(page, "mine")
    expect_state(page, "1 change")
    page.reload()
    expect_state(page, "1 change")
    page.get_by_role("button", name="Review and publish").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("rules.mine")).to_be_visible()

    publish(shop, rules={"theirs": {}})
    dialog.get_by_label("Reason").fill("mine")
    dialog.get_by_role("button", name="Publish").click()
    expect(dialog.get_by_text("rules.theirs")).to_be_visible()
    dialog.get_by_role("button", name="Add them to my draft").click()
    expect(dialog.get_by_text("rules.theirs")).to_have_count(0)
    dialog.get_by_role("button", name="Publish").click()

    expect(page.get_by_role("status").filter(has_text="is live")).to_be_visible()
    assert set(rules(shop)["draft"]["rules"]) == {"mine", "theirs"}


def test_rules_are_edited_on_a_phone(phone, shop):
    publish(shop, filters={"dairy": 'INCLUDE ItemID WHERE Items.CATEGORY_L1 = "Dairy"'}, rules={"spring": {}})
    show(phone, shop, "rules")

    for kind in ("pin", "promotion", "boost", "slate rule"):
        phone.get_by_role("button", name=f"Add a {kind}").tap()
    phone.get_by_label("Item", exact=True).fill("item-05")
    phone.get_by_role("button", name="Add diversity").tap()
    expect_state(phone, "6 changes")

    assert phone.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    no_serious_violations(phone)
    phone.get_by_role("button", name="Review and publish").tap()
    phone.get_by_role("dialog").get_by_label("Reason").fill("on the way")
    no_serious_violations(phone)
    phone.get_by_role("dialog").get_by_role("button", name="Publish").tap()
    expect(phone.get_by_role("status").filter(has_text="is live")).to_be_visible()
    assert set(rules(shop)["draft"]["rules"]["spring"]) == {"pins", "promotions", "boosts", "slate", "diversity"}


FORECASTS = "attribution/forecasts/"
ESTIMATE = {"value": 0.25, "low": 0.2, "high": 0.3}
DONE = {
    "state": "done", "startedMs": 1, "step": "lists of the draft", "share": None, "reason": None,
    "forecast": {
        "recommender": "for-you", "days": 28, "skipped": {"stale-model": 3}, "responses": 4_000, "users": 900,
        "changed": 0.8, "support": 0.951, "pairs": 400,
        "outcomes": [
            {"name": "clicks", "present": ESTIMATE, "draft": ESTIMATE, "self_normalised": ESTIMATE, "effective": 800.0,
             "difference": {"value": -0.0125, "low": -0.02, "high": 0.001}, "missing": None},
            {"name": "revenue", "present": None, "draft": None, "self_normalised": None, "effective": 20.0,
             "difference": None, "missing": "not enough evidence: an effective number of 20 revenue, expected more"},
        ],
    },
}  # fmt: skip


@pytest.fixture
def finish(shop):
    s3, bucket = shop.cloud.client("s3"), shop.deployment.names.lake_bucket

    def keys():
        listed = s3.list_objects_v2(Bucket=bucket, Prefix=FORECASTS).get("Contents", [])
        return [each["Key"] for each in listed]

    def replace():
        for key in keys():
            s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(DONE).encode())

    yield replace
    for key in keys():
        s3.delete_object(Bucket=bucket, Key=key)


def forecast_a_pin(view, finish, *, press):
    """Forecast a draft with a pin twice: without enough responses in the log, and after `finish` has stored an
    estimate."""
    add_rule_set(view, "spring")
    panel, start = view.get_by_role("region", name="Forecast"), view.get_by_role("button", name="Forecast", exact=True)
    view.get_by_role("button", name="Add a pin").focus()
    press(view.get_by_role("button", name="Add a pin"))
    view.get_by_label("Item", exact=True).fill("item-05")
    expect_state(view, "1 change")
    expect(panel).to_contain_text("for-you does not use spring")
    view.get_by_role("checkbox", name="for-you").check()
    expect_state(view, "2 changes")
    expect(panel).not_to_contain_text("does not use")
    press(start)
    expect(panel).to_contain_text(
        re.compile("not enough evidence|No forecast: the log has no responses"), timeout=180_000
    )
    expect(start).to_be_enabled()

    finish()
    press(start)

    table = panel.get_by_role("table", name="Per 1,000 responses")
    expect(table.get_by_role("row").filter(has_text="Clicks")).to_contain_text("−20 to +1")
    expect(table.get_by_role("row").filter(has_text="Revenue")).to_have_count(0)
    expect(panel).to_contain_text("Revenue: not enough evidence: an effective number of 20 revenue")
    expect(panel).to_contain_text("95.1% of the attention to its lists is for items that were shown")
    no_serious_violations(view)


def test_draft_is_forecast_by_keyboard(page, shop, finish):
    show(page, shop, "rules")
    expect(page.get_by_role("button", name="Forecast", exact=True)).to_be_disabled()

    forecast_a_pin(page, finish, press=lambda button: button.press("Enter"))

    page.get_by_label("Item", exact=True).fill("item-06")
    expect(page.get_by_text("The draft has changed since this forecast.")).to_be_visible()


def test_draft_is_forecast_on_a_phone(phone, shop, finish):
    show(phone, shop, "rules")

    forecast_a_pin(phone, finish, press=lambda button: button.tap())

    assert phone.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


@pytest.fixture
def read_only(shop):
    cognito, pool = shop.cloud.client("cognito-idp"), {"UserPoolId": shop.deployment.names.user_pool_id}
    cognito.create_group(**pool, GroupName=GROUP)
    cognito.admin_create_user(**pool, Username=LOCAL_OPERATOR)
    cognito.admin_add_user_to_group(**pool, Username=LOCAL_OPERATOR, GroupName=GROUP)
    yield
    cognito.admin_delete_user(**pool, Username=LOCAL_OPERATOR)
    cognito.delete_group(**pool, GroupName=GROUP)


def test_read_only_operator_can_only_preview(page, shop, read_only):
    publish(shop, rules={"spring": {"pins": [{"item": "item-05", "position": 1}]}, "other": {}})

    show(page, shop, "rules")

    expect(page.get_by_text("Your account may not change them")).to_be_visible()
    expect(page.get_by_label("Item", exact=True)).to_be_disabled()
    expect(page.get_by_role("button", name="Add a pin")).to_be_disabled()
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)
    expect(page.get_by_role("button", name="Forecast", exact=True)).to_be_disabled()
    page.get_by_label("Recommender").select_option("popular")
    page.get_by_role("button", name="Preview").click()
    expect(listed(page, "With the rules").first).to_contain_text("item-05")
    page.get_by_role("button", name=re.compile("^other")).click()
    expect(page.get_by_label("Item", exact=True)).to_have_count(0)


def test_contradictions_to_the_catalogue_are_warnings_at_their_fields(page, shop, watch):
    watch.expect("answer 404: GET .*/items/item-of-tomorrow")  # the title of the unknown item
    show(page, shop, "rules")
    add_rule_set(page, "spring")

    page.get_by_role("button", name="Add a pin").click()
    page.get_by_label("Item", exact=True).fill("item-of-tomorrow")
    expect(page.get_by_text('Item is "item-of-tomorrow", which is not in the catalogue')).to_be_visible()
    expect(page.get_by_text("item-of-tomorrow")).to_have_count(1)
    page.get_by_label("Item", exact=True).fill("item-29")
    expect(page.get_by_text("which is not in the catalogue")).to_have_count(0)
    expect_state(page, "change")

    page.get_by_label("Item", exact=True).fill("item-of-tomorrow")
    page.get_by_role("button", name="Review and publish").click()
    dialog = page.get_by_role("dialog", name="Publish the rules")
    expect(dialog).to_contain_text("which is not in the catalogue, so the rule has no effect")
    dialog.get_by_label("Reason").fill("it arrives tomorrow")
    dialog.get_by_role("button", name="Publish").click()

    expect(page.get_by_role("dialog")).to_have_count(0)
    assert rules(shop)["draft"]["rules"]["spring"]["pins"][0]["item"] == "item-of-tomorrow"
