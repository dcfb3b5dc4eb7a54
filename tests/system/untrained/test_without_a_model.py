from tests.booted.shop import eventually


def test_trending_items_are_returned_without_a_model(shop):
    for visit in range(20):
        shop.send(f"visitor-{visit}", "item-77")

    answer = eventually(lambda: shop.get("/trending?window=30m"), holds=lambda found: "item-77" in found.items)

    assert "item-77" in answer.items
    assert answer.headers["x-alsolike-source"] == "trending"
    assert answer.headers["x-alsolike-degraded"] == "no-model"
