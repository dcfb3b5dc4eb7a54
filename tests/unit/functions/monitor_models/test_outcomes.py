"""Outcomes of a training run that monitoring started."""

import pytest

from alsolike.runtime.errors import InvalidInput
from alsolike.training.monitoring import Start, StartedTraining, Trigger
from functions.monitor_models.training_start import outcome_of
from tests.builders.lambda_events import NOW_MS


@pytest.mark.parametrize(
    ("ending", "outcome"),
    [
        ({}, StartedTraining.REJECTED),
        ({"output": {"start": {"first": "dataset"}, "registration": {"verdict": "approved"},
                     "canary": {"state": "rolled_back"}}}, StartedTraining.ROLLED_BACK),
        ({"status": "ABORTED"}, StartedTraining.STOPPED),
        ({"status": "TIMED_OUT", "entered": "First"}, StartedTraining.FAILED),
    ],
)  # fmt: skip
def test_finished_training_counts_as_run_for_any_result(shop, ending, outcome):
    start = Start(Trigger.DRIFT, "drift-1", "why", "v1", NOW_MS)
    shop.places.states.start_execution(stateMachineArn=shop.places.state_machine_arn, name="drift-1")
    shop.ended(**ending)

    found = outcome_of(shop.places.states, shop.places.state_machine_arn, start)

    assert found is outcome
    assert found.counts


def test_unknown_run_output_raises_an_error_with_the_run_name(shop):
    start = Start(Trigger.DRIFT, "drift-1", "why", "v1", NOW_MS)
    gone = outcome_of(shop.places.states, shop.places.state_machine_arn, start)
    shop.places.states.start_execution(stateMachineArn=shop.places.state_machine_arn, name="drift-1")
    shop.ended({"start": {}})

    with pytest.raises(InvalidInput, match="drift-1 ended with an output without a known outcome"):
        outcome_of(shop.places.states, shop.places.state_machine_arn, start)
    assert gone is StartedTraining.STOPPED
