"""Operator actions through the API: train, inspect, promote, roll back and preview rules."""

from tests.booted.shop import eventually
from tests.booted.versions import publish_copy

COPY = "a-copy"


def operate(shop, method, path, document=None):
    answer = shop.administer(method, f"/operator/{path}", document)
    assert answer.status == 200, answer.document
    return answer.document


def refused(shop, path, document):
    answer = shop.administer("POST", f"/operator/{path}", document)
    return answer.status, str(answer.document["message"])


def served(shop, *, until):
    def probe():
        return shop.recommend("user-0").headers["x-alsolike-model-version"]

    return eventually(probe, holds=lambda version: version == until)


def test_training_starts_once_per_token_and_not_during_a_run(shop):
    training = shop.opening.training

    assert training.started.status == training.repeated.status == 200
    assert training.repeated.document == training.started.document
    assert training.other.status == 409
    assert f"run {training.started.document['id']} has been active since" in training.other.document["message"]


def test_run_has_its_reason_outcome_and_state_times(shop):
    run = shop.opening.training.ended

    assert (run["outcome"], run["reason"].partition(" (operator ")[0]) == ("promoted", "by-hand: the first")
    states = {state["name"]: state for state in run["states"]}
    assert {"StartTraining", "BuildDataset", "Train", "RegisterModel", "StartCanary"} <= set(states)
    assert all(run["startedMs"] - 1_000 <= state["enteredMs"] <= state["leftMs"] for state in states.values())
    assert states["Train"]["leftMs"] > states["Train"]["enteredMs"]


def test_operator_can_list_promote_and_roll_back(shop):
    first_version = shop.opening.training.ended["version"]
    publish_copy(shop, first_version, COPY, passed=False)

    models = operate(shop, "GET", "models")
    statuses = {each["version"]: each["status"] for each in models["versions"]}
    assert (statuses[first_version], statuses[COPY]) == ("champion", "rejected")
    story, shown = operate(shop, "GET", f"models/{first_version}"), shop.alsolike("models", "show", first_version)
    assert story["decision"]["checks"] == [
        {name: each[name] for name in ("name", "passed", "figures")} for each in shown["decision"]["checks"]
    ]
    compared = shown["manifest"]["metrics"]["candidates"]
    assert {each["algorithm"]: each["ndcg"] for each in story["candidates"]} == {
        each["algorithm"]: each["ndcg"] for each in compared
    }
    assert [each["reason"] for each in story["promotions"]] == [each["reason"] for each in shown["promotions"]]
    assert served(shop, until=first_version) == first_version

    seen = models["champion"]["etag"]
    status, message = refused(shop, f"models/{COPY}/promotion", {"reason": "I like it", "etag": seen})
    assert (status, f"the gate rejected model version '{COPY}' (failed: ndcg" in message) == (400, True)
    forced = {"reason": "I like it", "force": True, "etag": seen}
    promoted = operate(shop, "POST", f"models/{COPY}/promotion", forced)["champion"]
    assert (promoted["version"], promoted["previous"]) == (COPY, first_version)
    assert promoted["history"][0]["reason"].startswith("I like it (operator ")
    assert operate(shop, "GET", f"models/{COPY}")["decision"]["forced"] == promoted["history"][0]["reason"]
    assert served(shop, until=COPY) == COPY

    status, message = refused(shop, "rollbacks", {"reason": "not mine", "etag": seen})
    assert (status, f"'{COPY}' is champion now" in message) == (409, True)

    back = operate(shop, "POST", "rollbacks", {"reason": "socks only"})
    assert (back["version"], back["held"].partition(" (")[0]) == (first_version, "socks only")
    assert served(shop, until=first_version) == first_version
    assert "paused since" in shop.alsolike("status")["held"]
    assert operate(shop, "POST", "models/resume", {})["held"] is None


def test_forecast_runs_in_the_background(shop):
    """The forecast reads the log and invokes `recommend` with the permissions of the function."""
    assert shop.recommend("user-0").status == 200
    request = {"recommender": "for-you", "draft": {"filters": {}, "recommenders": {}, "rules": {"spring": {}}}}
    started = shop.administer("POST", "/operator/rules/forecasts", request)
    assert started.status == 202, started.document

    def record():
        return shop.administer("GET", f"/operator/rules/forecasts/{started.document['forecastId']}").document

    found = eventually(record, holds=lambda each: each["state"] != "running")
    # The lake may have no responses yet. A missing permission would be another reason.
    assert found["state"] == "done" or found["reason"].startswith("the log has no responses"), found


def test_rules_preview_of_the_api_equals_that_of_the_command(shop):
    tried = operate(shop, "POST", "rules/preview", {"userId": "user-0", "numResults": 5})

    assert len(tried["before"]) == 5
    assert tried == shop.alsolike("rules", "preview", "--user", "user-0", "-k", "5", "--metadata", "")
    status, message = refused(shop, "rules/preview", {"userId": "user-0", "rules": "none"})
    assert (status, "the configuration has no rules" in message) == (404, True)
