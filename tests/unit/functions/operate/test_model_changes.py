"""Changes of model versions through the API: operator, reason and concurrent changes."""

import pytest

from alsolike.registry.approvals import Approvals
from alsolike.registry.decision import Decisions
from tests.builders.lambda_events import NOW_MS
from tests.unit.functions.operate.shop import SUBJECT, throttled

PROMOTE, ROLL_BACK = "POST /operator/models/{version}/promotion", "POST /operator/rollbacks"


class TestPromotion:
    def test_promotion_sets_the_champion_with_reason_and_operator(self, operator):
        result = operator.act(PROMOTE, {"reason": "better for spring"}, version="v4")

        (latest, *_) = operator.champion.history
        assert (latest.version, latest.promoted_ms) == ("v4", NOW_MS)
        assert latest.reason == f"better for spring (operator {SUBJECT})"
        assert operator.approval("v4") == "Approved"
        assert (result["champion"]["version"], result["champion"]["previous"], result["runId"]) == ("v4", "v2", None)
        assert result["warnings"] == []

    def test_promotion_of_a_rejected_version_requires_force(self, operator):
        status, message = operator.refused(PROMOTE, {"reason": "I like it", "force": False}, version="v3")

        assert status == 400
        assert "the gate rejected model version 'v3' (failed: ndcg: 0.25, the champion has 0.30); `force`" in message
        assert operator.champion.version == "v2"

        operator.act(PROMOTE, {"reason": "I like it", "force": True}, version="v3")

        decision = operator.decisions.get("v3")
        assert operator.champion.version == "v3"
        assert decision.forced == f"I like it (operator {SUBJECT})"

    def test_promotion_of_an_unknown_version_returns_the_same_404_as_its_view(self, operator):
        looked = operator.refused("GET /operator/models/{version}", b"", version="v9")

        assert operator.refused(PROMOTE, {"reason": "it was good"}, version="v9") == looked
        assert looked == (404, "there is no model version 'v9'; `alsolike models list` shows them")

    def test_promotion_of_the_champion_is_refused(self, operator, logged, counted):
        before = operator.champion

        answer = operator.refused(PROMOTE, {"reason": "again"}, version="v2")

        assert answer == (400, "model version 'v2' is champion already")
        assert operator.champion == before
        assert ("operator change" in logged(), counted()) == (False, {"RequestsRejected": 1})

    def test_promotion_of_the_champion_does_not_end_the_pause(self, operator):
        operator.act(ROLL_BACK, {"reason": "socks only"})

        status, message = operator.refused(PROMOTE, {"reason": "again"}, version="v1")

        assert (status, operator.champion.held is None) == (400, False)
        assert message == "model version 'v1' is champion already; promotions are paused, and `resume` ends the pause"

    def test_canary_with_share_0_is_refused_and_promotes_nothing(self, operator, monkeypatch):
        monkeypatch.setenv("CANARY_SHARE_PERCENT", "0")

        status, message = operator.refused(PROMOTE, {"reason": "try it", "canary": True}, version="v4")

        assert (status, "`canary_share_percent` is 0" in message, operator.champion.version) == (400, True, "v2")
        assert operator.act("GET /operator/models", b"")["trialSharePercent"] == 0


class TestRollback:
    def test_rollback_restores_the_previous_champion_and_pauses_promotions(self, operator):
        result = operator.act(ROLL_BACK, {"reason": "socks only"})

        assert (operator.champion.version, result["version"]) == ("v1", "v1")
        assert result["held"] == f"socks only (operator {SUBJECT})"

        assert operator.act("POST /operator/models/resume", {})["held"] is None
        status, message = operator.refused("POST /operator/models/resume", {})
        assert (status, "promotions are not paused" in message) == (404, True)

    def test_rollback_during_a_canary_must_name_canary_or_champion(self, operator):
        operator.try_beside("v4")

        status, message = operator.refused(ROLL_BACK, {"reason": "worse"})

        assert status == 400
        assert "'v4' is the canary: `canary` ends it, and 'v2' stays champion; `champion` ends it" in message
        status, message = operator.refused(ROLL_BACK, {"reason": "worse", "canary": True, "champion": True})
        assert (status, "are both true, expected one" in message) == (400, True)
        assert operator.champion.canary is not None

    @pytest.mark.parametrize(("name", "champion"), [("canary", "v2"), ("champion", "v1")])
    def test_rollback_ends_the_named_version(self, operator, name, champion):
        operator.try_beside("v4")

        result = operator.act(ROLL_BACK, {"reason": "worse", name: True})

        assert (result["version"], result["canary"], result["held"] is None) == (champion, None, name == "canary")
        assert operator.refused(ROLL_BACK, {"reason": "worse", "canary": True}) == (404, "no canary is running")


def test_pinned_version_can_be_unpinned_once(operator):
    assert operator.act("POST /operator/models/{version}/pin", {}, version="v4")["pinned"] == ["v4"]
    assert operator.act("POST /operator/models/{version}/unpin", {}, version="v4")["pinned"] == []
    status, message = operator.refused("POST /operator/models/{version}/unpin", {}, version="v4")
    assert (status, message) == (404, "model version 'v4' is not pinned; pinned versions: none")


class TestTwoConsoles:
    @pytest.mark.parametrize(
        ("route", "body"),
        [
            (PROMOTE, {"reason": "second"}),
            (ROLL_BACK, {"reason": "second"}),
            ("POST /operator/models/resume", {}),
            ("POST /operator/models/{version}/pin", {}),
        ],
    )
    def test_change_with_an_old_etag_is_refused(self, operator, route, body):
        seen = operator.act("GET /operator/models", b"")["champion"]["etag"]
        operator.act(ROLL_BACK, {"reason": "first", "etag": seen})
        before = operator.champion

        status, message = operator.refused(route, {**body, "etag": seen}, version="v4")

        assert (status, operator.champion) == (409, before)
        expected = "another caller changed the champion pointer since it was shown: 'v1' is champion now; load it again"
        assert message == expected

    @pytest.mark.parametrize("route", [PROMOTE, ROLL_BACK])
    def test_concurrent_change_is_refused(self, operator, route, monkeypatch):
        read, others = type(operator.registry).champion, [lambda: operator.registry.promote("v1", reason="x", now_ms=2)]

        def read_then_lose(self):
            found = read(self)
            if others:
                others.pop()()
            return found

        monkeypatch.setattr(type(operator.registry), "champion", read_then_lose)

        status, message = operator.refused(route, {"reason": "second"}, version="v4")

        assert (status, message) == (409, "the champion pointer changed meanwhile; check it, then try again")
        assert [entry.version for entry in operator.champion.history] == ["v1", "v2", "v1"]


class TestAudit:
    def test_change_is_logged_with_operator_and_action_without_reason(self, operator, logged, counted):
        operator.act(PROMOTE, {"reason": "Ann wants it"}, version="v4")

        (line,) = [line for line in logged().splitlines() if "operator change" in line]
        for part in ('"action":"promote"', '"version":"v4"', f'"by":"{SUBJECT}"', '"request_id":"r1"'):
            assert part in line
        assert "nn" not in line.replace("function_n", "")
        assert counted()["OperatorChanges"] == 1

    def test_promotion_succeeds_with_a_warning_if_sagemaker_fails(self, operator, logged, counted, monkeypatch):
        monkeypatch.setattr(Approvals, "decide", throttled)

        result = operator.act(PROMOTE, {"reason": "I like it", "force": True}, version="v3")

        assert (result["champion"]["version"], operator.champion.version) == ("v3", "v3")
        assert result["warnings"] == [
            "model version 'v3' is champion, but its package in the SageMaker Model Registry could not be approved: "
            "Rate exceeded"
        ]
        lines = logged()
        assert ('"action":"promote"' in lines, "package not approved" in lines) == (True, True)
        assert counted() == {"OperatorChanges": 1}

    def test_forced_promotion_fails_if_the_reason_cannot_be_stored(self, operator, logged, monkeypatch):
        monkeypatch.setattr(Decisions, "force", throttled)

        status, message = operator.refused(PROMOTE, {"reason": "I like it", "force": True}, version="v3")

        assert (status, message, operator.champion.version) == (503, "Rate exceeded", "v2")
        assert "operator change" not in logged()
