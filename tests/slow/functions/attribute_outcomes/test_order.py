"""Results do not depend on the order of arrival, the split into objects, redeliveries and repeated calls."""

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.builders.arrivals import check_any_arrival, histories


@settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),  # shrinking a failure takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(history=histories(), data=st.data())
def test_results_do_not_depend_on_arrival_order(s3, history, data):
    check_any_arrival(s3, history, data)
