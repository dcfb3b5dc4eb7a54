import pytest

from foreign_cloud import eventually
from local_cloud.work_queue import WorkQueue


@pytest.mark.parametrize(("delays_s", "left"), [([None], []), ([0.0, None], []), ([0.0, 60.0], ["sent"])])
def test_work_is_recorded_until_it_is_done(delays_s, left):
    recorded, attempts = list[str](), list[list[str]]()

    def keep(kind, work):
        recorded.append(work)
        return recorded.clear

    def attempt(work):
        attempts.append([*recorded])
        return delays_s[len(attempts) - 1]

    queue = WorkQueue("letters", attempt, keep=keep, threads=1)
    queue.accept("sent", kept="sent")
    eventually(lambda: len(attempts) == len(delays_s) and queue.pending() == len(left))
    queue.close()

    assert recorded == left
    assert attempts == [["sent"]] * len(delays_s)
