"""Replay of a day's requests from the recommendation log with a changed configuration."""

import datetime as dt

from tests.booted.shop import eventually, leave_midnight
from tests.system.trained.opened_shop import CONFIGURATION

PIN = "rules:\n  home:\n    pins: [{item: item-03, position: 1}]\nrecommenders:\n  similar-items: {rules: home}\n"


def test_planted_change_gives_exactly_the_predicted_differences(shop, tmp_path):
    leave_midnight()
    draft = tmp_path / "draft.yaml"
    draft.write_text(CONFIGURATION + PIN)
    shop.send("user-33", "item-21")
    own = [shop.recommend("user-33", k=5), shop.recommend("user-34", k=5), shop.recommend("nobody", k=5)]
    own += [shop.get("/trending?numResults=3"), shop.get("/users/user-33/recommendations?recommender=recently-viewed")]
    changed = [shop.get(f"/items/item-{number:02}/similar?numResults=4") for number in (5, 11, 17)]
    recommendation_ids = [answer.document["recommendationId"] for answer in (*own, *changed)]

    def logged():
        return {row["recommendation_id"] for row in shop.lake_rows("served/")}

    eventually(logged, holds=lambda found: found.issuperset(recommendation_ids))
    day = dt.datetime.now(dt.UTC).date()

    found = shop.alsolike("replay", "--day", day.isoformat(), "--config", draft, exit_code=3)

    differences = {
        each["recommendation_id"]: (each["causes"], each["replayed"])
        for each in found["differences"]
        if each["recommendation_id"] in recommendation_ids
    }
    assert differences == {
        answer.document["recommendationId"]: (["configuration"], _pinned(answer.items)) for answer in changed
    }


def _pinned(items):
    return ["item-03", *(item for item in items if item != "item-03")][: len(items)]
