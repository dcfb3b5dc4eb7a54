from tests.booted.shop import eventually


def test_logs_show_the_refusal_of_a_request_by_its_correlation_id(shop):
    answer = shop.get("/popular?numResults=many", **{"x-correlation-id": "wrong-number"})
    assert answer.status == 400

    (line,) = eventually(
        lambda: shop.alsolike("logs", "recommend", "--correlation-id", "wrong-number"),
        holds=lambda lines: len(lines) > 0,
    )

    assert (line["level"], line["message"]) == ("WARNING", "request refused")
    assert line["details"]["error_type"] == "InvalidInput"
    assert shop.alsolike("logs", "recommend", "--correlation-id", "wrong-number", "--errors") == []
