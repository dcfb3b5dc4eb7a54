"""Costs of training runs on one machine and with Spark, and of runs above their limits."""

import dataclasses

import pytest

from operations import cost
from operations.cost.summary import Training
from tests.unit.operations.cost.bills import NOTHING, dollars, saved, summary


def test_spot_training_costs_half():
    def training(*, spot):
        deployed = summary(training=Training(runs=10, spot=spot, max_runtime_s=3_600))
        load = dataclasses.replace(NOTHING, events_per_day=10_000_000)
        return dollars(cost.estimate(deployed, load), "training")

    assert training(spot=False) == pytest.approx(10 * 0.23)
    assert training(spot=True) == pytest.approx(10 * 0.23 / 2)


def test_training_above_its_limits_has_a_remark():
    deployed = summary(training=Training(runs=4, max_runtime_s=14_400))
    fits, does_not = (dataclasses.replace(NOTHING, events_per_day=events) for events in (100_000, 10_000_000))

    remarks = " ".join(cost.estimate(deployed, does_not).remarks)

    # The load is 3,650 million interactions of 63 bytes. Each of 5 fits takes 544.5 s for 100 million, and 5.30 s
    # per further million. The run takes another 240 s.
    assert (
        f"takes about {(5 * (544.5 + 3_550 * 5.299) + 240) / 3_600:.1f} hours; training_max_runtime_s ends it after 4"
        in remarks
    )
    assert "takes about 230 GB of memory; ml.m5.xlarge has 16" in remarks
    assert not [remark for remark in cost.estimate(deployed, fits).remarks if "a training on" in remark]


def test_statistics_on_spark_cost_more_spark_and_less_training():
    spark = Training(runs=10, spark_above_mb=300, spark_workers=10)
    counts = dataclasses.replace(spark, spark_statistics=True, spark_flexible=True, max_runtime_s=14_400)
    load = dataclasses.replace(NOTHING, events_per_day=10_000_000, items=100_000)  # 3,650 million interactions

    without, bill = (cost.estimate(summary(training=each), load) for each in (spark, counts))

    # The job has ten workers of four processors, one of which is the driver. It takes 60 s to start and 51.3 s per
    # million, or 284 s more with statistics. A DPU-hour costs 0.44, or 0.29 flexibly.
    assert dollars(without, "datasets on Spark") == pytest.approx(10 * 10 * (60 + 51.3 * 3_650 / 36) / 3_600 * 0.44)
    assert dollars(bill, "datasets on Spark") == pytest.approx(
        10 * 10 * (60 + (51.3 + 284) * 3_650 / 36) / 3_600 * 0.29
    )
    assert dollars(bill, "training") == pytest.approx(10 * 3 * 0.23)
    assert not [remark for remark in bill.remarks if "a training" in remark]
    assert "(spark_statistics)" in " ".join(without.remarks)


def test_training_with_statistics_above_its_limits_has_no_advice_for_them():
    training = Training(runs=4, spark_above_mb=300, spark_workers=10, spark_statistics=True, max_runtime_s=7_200)
    load = dataclasses.replace(NOTHING, events_per_day=10_000_000, items=4_000_000)

    remarks = " ".join(cost.estimate(summary(training=training), load).remarks)

    assert "from statistics and 5,000,000 interactions takes about 3.0 hours; training_max_runtime_s ends it" in remarks
    assert "after 2, which is what the bill has: raise it" in remarks
    # 5 million interactions of 63 bytes and 4 million items of 4,800 bytes take 19.5 GB.
    assert "takes about 20 GB of memory" in remarks
    assert "(spark_statistics)" not in remarks


def test_statistics_are_not_counted_if_the_function_builds_the_dataset():
    training = Training(runs=4, spark_above_mb=300, spark_workers=10, spark_statistics=True)
    load = dataclasses.replace(NOTHING, events_per_day=10_000)  # 219 MB

    assert dollars(cost.estimate(summary(training=training), load), "datasets on Spark") == 0


def test_unpriced_instance_type_has_a_remark_and_other_lines_are_kept():
    deployed = summary(training=Training(runs=10, instance_type="ml.c5.4xlarge", volume_gb=73), dashboards=2)

    bill = cost.estimate(deployed, NOTHING)

    (remarks,) = (remark for remark in bill.remarks if remark.startswith("not priced"))
    assert remarks == (
        "not priced: 10.0 runs of 4 minutes on 1 ml.c5.4xlarge: the price table has no training_ml.c5.4xlarge_hours"
    )
    assert dollars(bill, "training") == 0
    assert dollars(bill, "dashboards") == 2 * 3.00
    assert dollars(bill, "training volumes") == pytest.approx(73 * 10 * 240 / 3_600 / 730 * 0.14)
    assert "training_schedule" not in saved(deployed, NOTHING)  # The saving cannot be computed.


def test_unpriced_instance_type_has_no_remark_without_trainings():
    deployed = summary(training=Training(runs=0, instance_type="ml.c5.4xlarge"))

    assert not [remark for remark in cost.estimate(deployed, NOTHING).remarks if remark.startswith("not priced")]
