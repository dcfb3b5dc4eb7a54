import re

from playwright.sync_api import expect

from tests.booted.shop import eventually
from tests.web.console import champion_of, show

TRAINED_WITHIN_MS = 240_000


def other_version(page):
    row = page.get_by_role("row").filter(has=page.get_by_role("button", name="Promote"))
    return row.filter(has_not_text="rejected").first.get_by_role("link").inner_text()


def served_by(shop, version):
    eventually(
        lambda: shop.recommend("user-0"), holds=lambda answer: answer.headers["x-alsolike-model-version"] == version
    )


def change(page, button, reason):
    page.get_by_role("button", name=button).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill(reason)
    dialog.get_by_role("button", name=re.compile(r"^(Promote|Roll back)$")).click()
    expect(dialog).to_have_count(0)


def test_champion_is_rolled_back_and_promoted_again(page, shop):
    show(page, shop, "models")
    before = champion_of(page).inner_text()

    page.get_by_role("button", name="Roll back").click()
    dialog = page.get_by_role("dialog", name="Roll back")
    expect(dialog.get_by_text(before)).to_be_visible()
    dialog.get_by_label("Reason").fill("clicks fell")
    dialog.get_by_role("button", name="Roll back").click()

    expect(champion_of(page)).not_to_have_text(before)
    other = champion_of(page).inner_text()
    expect(page.get_by_role("status").filter(has_text=f"{other} is champion")).to_be_visible()
    expect(page.get_by_text("Automatic promotion is paused")).to_be_visible()
    served_by(shop, other)

    page.get_by_role("button", name="Resume promotion").click()
    expect(page.get_by_text("Automatic promotion is paused")).to_have_count(0)
    page.get_by_role("button", name=f"Promote {before}").click()
    dialog = page.get_by_role("dialog", name="Promote a version")
    expect(dialog.get_by_text(other)).to_be_visible()
    expect(dialog.get_by_text(before)).to_be_visible()
    dialog.get_by_label("Reason").fill("the season has begun")
    dialog.get_by_role("button", name="Promote", exact=True).click()

    expect(page.get_by_role("status").filter(has_text=f"{before} is champion")).to_be_visible()
    expect(champion_of(page)).to_have_text(before)
    expect(page.get_by_text("the season has begun")).to_be_visible()
    served_by(shop, before)


def test_conflicting_change_is_refused(page, shop, watch):
    watch.expect(r"answer 409: POST .*/operator/rollbacks")
    show(page, shop, "models")
    before = champion_of(page).inner_text()
    page.get_by_role("button", name="Pause").click()
    seen = shop.administer("GET", "/operator/models").document["champion"]
    pinned = shop.administer("POST", f"/operator/models/{before}/pin", {"etag": seen["etag"]})
    assert pinned.status == 200

    page.get_by_role("button", name="Roll back").click()
    page.get_by_role("dialog").get_by_label("Reason").fill("not mine to do")
    page.get_by_role("dialog").get_by_role("button", name="Roll back").click()

    expect(page.get_by_role("alert")).to_contain_text("409")
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(champion_of(page)).to_have_text(before)
    page.get_by_role("button", name="Refresh").click()
    page.get_by_role("link", name=before).first.click()
    page.get_by_role("button", name="Unpin").click()
    expect(page.get_by_role("button", name="Pin", exact=True)).to_be_visible()


def test_refusal_has_the_message_of_the_api(page, shop, watch):
    watch.expect(r"answer 4\d\d: POST .*/operator/models/.*/promotion")
    show(page, shop, "models")
    before = champion_of(page).inner_text()
    page.get_by_role("button", name=f"Promote {other_version(page)}").click()
    dialog = page.get_by_role("dialog")

    # The API rejects the empty reason that the form prevents.
    dialog.get_by_label("Reason").evaluate("field => field.removeAttribute('required')")
    dialog.get_by_role("button", name="Promote", exact=True).click()

    expect(dialog.get_by_role("alert")).to_contain_text("reason")
    expect(dialog.get_by_role("alert")).to_contain_text("InvalidInputException")
    dialog.get_by_role("button", name="Cancel").click()
    expect(champion_of(page)).to_have_text(before)


def test_version_can_be_promoted_by_keyboard(page, shop):
    show(page, shop, "models")
    before = champion_of(page).inner_text()
    other = other_version(page)
    focused = page.locator(":focus")

    page.keyboard.press("Tab")
    expect(focused).to_have_text("Skip to the content")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    _tab_to(page, f"Promote {other}")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    expect(dialog.locator("input, textarea").first).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("button", name=f"Promote {other}")).to_be_focused()
    page.keyboard.press("Enter")
    while not dialog.get_by_label("Reason").evaluate("field => field === document.activeElement"):
        page.keyboard.press("Tab")
    page.keyboard.type("by keyboard alone")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    expect(champion_of(page)).to_have_text(other)
    expect(page.get_by_role("button", name=f"Promote {other}")).to_have_count(0)
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    change(page, f"Promote {before}", "back again")
    expect(champion_of(page)).to_have_text(before)


def test_dialog_can_be_reopened_immediately_after_escape(page, shop):
    show(page, shop, "models")
    page.get_by_role("button", name="Promote").first.focus()
    dialog = page.get_by_role("dialog")
    for _ in range(10):  # repeated, because a race would lose only some of the dialogs
        page.keyboard.press("Enter")
        expect(dialog).to_be_visible()
        page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)


def _tab_to(page, name):
    for _ in range(60):
        page.keyboard.press("Tab")
        if re.sub(r"\s+", " ", page.locator(":focus").inner_text()).strip() == name:
            return
    raise AssertionError(f"{name} was not reached by 60 presses of Tab")


def test_training_is_started_and_followed(page, shop):
    show(page, shop, "trainings")
    runs = page.get_by_role("heading", level=2).filter(has_text=re.compile(r"\S"))
    known = runs.count()

    page.get_by_role("button", name="Start a training").click()
    page.get_by_role("dialog").get_by_label("Reason").fill("by the console")
    page.get_by_role("dialog").get_by_role("button", name="Start").click()

    expect(page.get_by_role("status").filter(has_text="has started")).to_be_visible()
    expect(runs).to_have_count(known + 1)
    run = page.get_by_role("listitem").filter(has_text="by the console").first
    expect(run).to_contain_text("running")
    expect(run).not_to_contain_text("running", timeout=TRAINED_WITHIN_MS)
