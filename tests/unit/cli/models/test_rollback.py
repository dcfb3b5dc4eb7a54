"""A rollback restores the previous champion and pauses promotions."""

import pytest

from tests.unit.cli.models.versions import document, run


def test_rollback_pauses_promotions_until_resume(shop, refusal):
    result = document("rollback", "--reason", "it sells socks only")

    assert (result["version"], result["held"]["reason"]) == ("v1", "it sells socks only")
    message = "it sells socks only; `alsolike models resume` ends the pause"
    assert message in run("list")
    assert "v1 is champion" in run("resume")
    assert shop.champion.held is None
    assert message not in run("list")
    assert "promotions are not paused" in refusal("resume")


def test_manual_promotion_ends_the_pause(shop):
    assert "promotions are paused since" in run("rollback")

    assert "held" not in run("promote", "v4", "--reason", "mended")


def test_rollback_during_a_canary_must_name_canary_or_champion(shop, refusal):
    shop.try_beside("v4")

    message = refusal("rollback", "--reason", "worse")

    assert "model version 'v4' is the canary: `alsolike models rollback --canary` ends it, and 'v2'" in message
    assert "`alsolike models rollback --champion` ends it and rolls 'v2' back as well" in message
    assert (shop.champion.version, shop.champion.canary is None) == ("v2", False)
    assert "expected one of them" in refusal("rollback", "--canary", "--champion")

    result = document("rollback", "--champion", "--reason", "worse")

    assert (result["version"], result["canary"], result["ended"]["version"]) == ("v1", None, "v4")
    assert result["ended"]["reason"] == "v2 was rolled back during the canary: worse"


@pytest.mark.parametrize(
    ("reason", "message"),
    [
        ("", "the reason is '', expected a text for the history"),
        ("  ", "the reason is '  ', expected a text for the history"),
        ("x" * 501, "the reason has 501 characters, expected at most 500"),
    ],
)
def test_blank_or_long_reason_is_refused(shop, refusal, reason, message):
    shop.try_beside("v4")
    before = shop.champion

    for call in (
        ["rollback", "--champion"],
        ["rollback", "--canary"],
        ["promote", "v4"],
        ["promote", "v4", "--canary"],
    ):
        assert message in refusal(*call, "--reason", reason)

    assert shop.champion == before
