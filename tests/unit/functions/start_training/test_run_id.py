import re

import pytest

from alsolike.runtime.errors import InvalidInput
from functions.start_training.trigger import run_of

EXECUTION = "arn:aws:states:eu-west-1:123456789012:execution:training:1b2c"


def test_run_id_starts_with_the_utc_start_time() -> None:
    run = run_of(EXECUTION, started_at="2026-03-01T04:05:06.789+02:00")

    assert run.run_id.startswith("20260301t020506-")
    assert re.fullmatch(r"[0-9a-z-]{1,40}", run.run_id)
    assert run.started_ms == 1_772_330_706_789


def test_run_id_is_stable_per_execution() -> None:
    run, again, other = (
        run_of(execution, started_at="2026-03-01T04:05:06Z") for execution in (EXECUTION, EXECUTION, f"{EXECUTION}d")
    )

    assert run == again
    assert run.run_id != other.run_id


@pytest.mark.parametrize("started_at", ["yesterday", "2026-03-01T04:05:06"])
def test_invalid_start_time_is_refused(started_at: str) -> None:
    with pytest.raises(InvalidInput, match=f"started_at is '{started_at}'"):
        run_of(EXECUTION, started_at=started_at)
