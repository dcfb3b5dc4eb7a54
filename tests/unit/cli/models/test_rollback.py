"""A rollback restores the previous champion and pauses promotions."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.cli.models.versions import Shop, document, run


def test_rollback_pauses_promotions_until_resume(shop: Shop, refusal: Any) -> None:
    told = document("rollback", "--reason", "it sells socks only")

    assert (told["version"], told["held"]["reason"]) == ("v1", "it sells socks only")
    said = "it sells socks only; `alsolike models resume` ends the pause"
    assert said in run("list")
    assert "v1 is champion" in run("resume")
    assert shop.champion.held is None
    assert said not in run("list")
    assert "promotions are not paused" in refusal("resume")


def test_manual_promotion_ends_the_pause(shop: Shop) -> None:
    assert "promotions are paused since" in run("rollback")

    assert "held" not in run("promote", "v4", "--reason", "mended")


def test_rollback_during_a_canary_must_name_canary_or_champion(shop: Shop, refusal: Any) -> None:
    shop.try_beside("v4")

    said = refusal("rollback", "--reason", "worse")

    assert "model version 'v4' is the canary: `alsolike models rollback --canary` ends it, and 'v2'" in said
    assert "`alsolike models rollback --champion` ends it and rolls 'v2' back as well" in said
    assert (shop.champion.version, shop.champion.canary is None) == ("v2", False)
    assert "expected one of them" in refusal("rollback", "--canary", "--champion")

    told = document("rollback", "--champion", "--reason", "worse")

    assert (told["version"], told["canary"], told["ended"]["version"]) == ("v1", None, "v4")
    assert told["ended"]["reason"] == "v2 was rolled back beside it: worse"


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("", "the reason is '', expected words"),
        ("  ", "the reason is '  ', expected words"),
        ("x" * 501, "the reason has 501 characters, expected at most 500"),
    ],
)
def test_blank_or_long_reason_is_refused(shop: Shop, refusal: Any, reason: str, said: str) -> None:
    shop.try_beside("v4")
    before = shop.champion

    for call in (
        ["rollback", "--champion"],
        ["rollback", "--canary"],
        ["promote", "v4"],
        ["promote", "v4", "--canary"],
    ):
        assert said in refusal(*call, "--reason", reason)

    assert shop.champion == before
