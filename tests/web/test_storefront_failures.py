import re

from playwright.sync_api import expect

from tests.web.browser import no_serious_violations
from tests.web.storefront import EVENTS, LISTS, ORDERS, POPULAR, cards, keep_events, open_shop, status


def test_missing_product_is_reported(page, shop, watch):
    watch.expect(r"answer 404: GET .*/items/nothing")

    open_shop(page, shop, "#/item/nothing")

    expect(page.get_by_role("heading", level=1, name="Product not found")).to_be_visible()


def test_failed_service_is_reported_and_can_be_tried_again(page, shop, watch):
    watch.expect("answer 503: GET .*/api/session/recommendations")
    page.route(LISTS, lambda route: route.fulfill(status=503, json={"message": "busy"}))
    open_shop(page, shop)
    alert = page.get_by_role("main").get_by_role("alert")
    expect(alert).to_contain_text("The shop's service failed (503)")
    no_serious_violations(page)

    page.unroute(LISTS)
    alert.get_by_role("button", name="Try again").click()

    expect(cards(page, POPULAR).first).to_be_visible()
    expect(alert).to_have_count(0)


def test_refused_event_is_sent_again_unchanged(page, shop, watch):
    watch.expect("answer 503: POST .*/api/session/events")
    open_shop(page, shop)
    events = keep_events(page)
    page.route(EVENTS, lambda route: route.fulfill(status=503, json={"message": "busy"}))
    cards(page, POPULAR).first.get_by_role("button", name=re.compile("^Add ")).click()
    expect(status(page)).to_contain_text("could not be sent")

    page.unroute(EVENTS)
    page.get_by_role("button", name="Send again").click()

    expect(status(page)).to_contain_text(re.compile("put into the cart sent"))
    assert len({event["eventId"] for event in events if event["eventType"] == "cart"}) == 1


def test_lost_order_is_sent_when_the_page_is_opened_again(page, shop, watch):
    watch.expect("answer 503: POST .*/api/events")
    open_shop(page, shop, "#/item/item-05")
    page.get_by_role("button", name="Add to cart").click()
    expect(status(page)).to_contain_text("put into the cart sent")
    events = keep_events(page)
    page.route(ORDERS, lambda route: route.fulfill(status=503, json={"message": "busy"}))
    page.get_by_role("link", name="Cart, 1 product").click()
    page.get_by_role("button", name="Buy", exact=True).click()
    expect(page.get_by_text("The order was not confirmed")).to_be_visible()

    page.unroute(ORDERS)
    page.reload()

    expect(page.get_by_text("Thank you!")).to_be_visible()
    expect(page.get_by_text("The order was not confirmed")).to_have_count(0)
    lost, again = (event for event in events if event["eventType"] == "purchase")
    assert again == lost
