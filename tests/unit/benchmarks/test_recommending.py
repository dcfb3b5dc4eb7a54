from benchmarks.recommending import HISTORY, history_of


def test_history_is_oldest_first_as_in_a_profile():
    times_ms = [interaction.event_time_ms for interaction in history_of(1_000)]

    assert times_ms == sorted(set(times_ms))
    assert len(times_ms) == HISTORY
