"""Event of a training run, and purchases up to `NOW_MS`."""

from alsolike.declarations.times import DAY_MS
from alsolike.events.interactions import Interaction
from tests.builders.lambda_events import NOW_MS, interaction

EVENT = {"run_id": "20260301t040506-8cb309", "started_ms": 1_772_337_906_000}


def shopping() -> list[Interaction]:
    """Return purchases of the pear and the plum by five shoppers, and of the fig by one."""
    pairs = [(user, item) for user in range(5) for item in ("pear", "plum")]
    return [
        interaction(
            f"e{n}",
            user_id=f"user{user}",
            item_id=item,
            event_time_ms=NOW_MS - n * DAY_MS,
            properties='{"DEVICE":"Phone","channel":"app","note":"x"}' if n < 4 else "{}",
        )
        for n, (user, item) in enumerate([*pairs, (0, "fig")])
    ]


def dropped(**counts: int) -> dict[str, int]:
    reasons = (
        "duplicate_event", "erased_user", "no_item", "unknown_event_type", "no_weight", "taken_back", "rare_item",
        "short_history",
    )  # fmt: skip
    return {**dict.fromkeys(reasons, 0), **counts}
