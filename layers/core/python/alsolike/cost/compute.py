"""Charges of the functions: calls, time, disk, starts; and of trainings."""

from __future__ import annotations

import math
from collections.abc import Mapping

from alsolike.cost.bill import Meter
from alsolike.cost.load import HOURS, Load
from alsolike.cost.summary import Summary
from alsolike.cost.traffic import Calls, on_spark, transitions

FREE_STORAGE_MB = 512
PROCESS_HOURS = 2
"""Assumed lifetime of a Lambda process, which sets the number of restores from a snapshot."""

FITS = 6
"""Fits per algorithm in a training (`model_export.evaluation.budget.FITS`)."""

DPUS = {"G.1X": 1, "G.2X": 2, "G.4X": 4, "G.8X": 8}
SPARK_STARTS_S = 60.0
SPARK_PROCESSOR_S = 93.1
"""Seconds per million events: docs/scale.md."""

STATISTICS_PROCESSOR_S = 284.0
"""Further seconds per million events if statistics are counted, up to four moments at 71.0 each: docs/scale.md."""

STATISTICS_TRAINING_S = 3 * 3600.0
"""Assumed maximum duration of a training from statistics (`benchmarks.scale`); not measured at that size."""

STATISTICS_ITEM_BYTES = 4_800
"""Memory per item: 200 targets in each of two matrices, docs/scale.md."""

SPOT_SHARE = 0.5
"""Share of the on-demand price: AWS promises up to 90% less; 50% is assumed."""

JOB_STARTS_S = 240.0
"""Billed time of a job before and after its work: image, dataset, upload. Assumed."""

FIT_S = 12.0
"""Time to fit all algorithms except SASRec, which needs torch, per million interactions: docs/performance.md."""

READ_BYTES = 63
"""Memory per interaction while a job reads them: docs/scale.md."""

MEMORY_GB = {
    "ml.m5.large": 8,
    "ml.m5.xlarge": 16,
    "ml.m5.2xlarge": 32,
    "ml.m5.4xlarge": 64,
    "ml.m5.12xlarge": 192,
    "ml.m5.24xlarge": 384,
    "ml.r5.24xlarge": 768,
}


def functions(meter: Meter, summary: Summary, calls: Mapping[str, Calls]) -> None:
    """Add the costs of functions' calls."""
    for name, each in calls.items():
        function, seconds = summary.functions[name], each.seconds
        meter.add("Lambda", f"calls of {name}", each.calls, "lambda_requests", each.how)
        gb_s = seconds * function.memory_mb / 1024
        how = f"{_milliseconds(each)} ms with {function.memory_mb} MB ({each.duration.seen})"
        price = "lambda_arm_gb_s" if function.architecture == "arm64" else "lambda_x86_gb_s"
        meter.add("Lambda", f"time of {name}", gb_s, price, how)
        extra_gb = max(0, function.storage_mb - FREE_STORAGE_MB) / 1024
        how = f"{function.storage_mb} MB of disk, of which {FREE_STORAGE_MB} MB cost nothing"
        meter.add("Lambda", f"disk of {name}", seconds * extra_gb, "lambda_storage_gb_s", how)
        if function.snap_start and each.calls:
            restored_gb = min(each.calls, each.processes * HOURS / PROCESS_HOURS) * function.memory_mb / 1024
            how = f"each process anew every {PROCESS_HOURS} hours, assumed"
            meter.add("Lambda", f"restores of {name}", restored_gb, "snap_start_restore_gb", how)


def trainings(meter: Meter, summary: Summary, load: Load) -> None:
    """Add the costs of trainings, including the workflow's steps."""
    training, runs = summary.training, summary.training.runs
    _too_much(meter, summary, load)
    seconds = min(_lasts_s(summary, load), training.max_runtime_s)
    hours = runs * training.instances * seconds / 3600
    spot = f", spot at {SPOT_SHARE:.0%} of the price" if training.spot else ""
    how = f"{runs:.1f} runs of {seconds / 60:,.0f} minutes on {training.instances} {training.instance_type}{spot}"
    paid = hours * (SPOT_SHARE if training.spot else 1)
    price = f"training_{training.instance_type}_hours"
    if meter.has(price):
        meter.add("SageMaker", "training", paid, price, how)
    elif paid:
        meter.remark(f"not priced: {how}: the price table has no {price}")
    volume = training.volume_gb * training.instances * hours / HOURS / max(1, training.instances)
    meter.add("SageMaker", "training volumes", volume, "training_volume_gb", f"{training.volume_gb} GB while it runs")
    if on_spark(summary, load):
        dpus = training.spark_workers * DPUS[training.spark_worker_type]
        work_s = SPARK_PROCESSOR_S + STATISTICS_PROCESSOR_S * training.spark_statistics
        lasts = max(60.0, SPARK_STARTS_S + work_s * load.interactions / 1e6 / (4 * dpus))
        how = f"{runs:.1f} runs of {lasts / 60:,.1f} minutes with {training.spark_workers} {training.spark_worker_type}"
        how += ", statistics among it" if training.spark_statistics else ""
        meter.add("Glue", "datasets on Spark", runs * dpus * lasts / 3600, "glue_dpu_hours", how)
    how = f"{runs:.1f} runs, each with {training.looks} looks at a trial"
    meter.add("Step Functions", "transitions", transitions(summary), "transitions", how)


def _training_s(load: Load) -> float:
    return JOB_STARTS_S + FITS * FIT_S * load.interactions / 1e6


def _from_statistics(summary: Summary, load: Load) -> bool:
    return summary.training.spark_statistics and on_spark(summary, load)


def _lasts_s(summary: Summary, load: Load) -> float:
    whole = _training_s(load)
    return min(whole, STATISTICS_TRAINING_S) if _from_statistics(summary, load) else whole


def _too_much(meter: Meter, summary: Summary, load: Load) -> None:
    """Add notes about trainings that exceed the templates' limits: the bill assumes that they are cut short."""
    training = summary.training
    if not training.runs:
        return
    hours, most = _lasts_s(summary, load) / 3600, training.max_runtime_s / 3600
    needed_gb, has_gb = load.interactions * READ_BYTES / 1e9, MEMORY_GB.get(training.instance_type)
    what = f"a training on {load.interactions:,.0f} interactions"
    instead = "learn from fewer (limits.retention_days), or from what Spark counts (spark_statistics)"
    if _from_statistics(summary, load):
        read = min(load.interactions, training.spark_sample_interactions)
        needed_gb = (read * READ_BYTES + load.items * STATISTICS_ITEM_BYTES) / 1e9
        what, instead = f"a training from statistics and {read:,.0f} interactions", "raise it"
    if hours > most:
        meter.remark(
            f"{what} takes about {hours:,.1f} hours; training_max_runtime_s ends it after {most:g}, which is what the "
            f"bill has: {instead}"
        )
    if has_gb is not None and needed_gb > has_gb:
        meter.remark(
            f"{what} takes about {needed_gb:,.0f} GB of memory; {training.instance_type} has {has_gb}: set a larger "
            "training_instance_type, which costs more than the bill has"
        )


def _milliseconds(each: Calls) -> str:
    return f"{min(math.ceil(each.duration.ms(each.records)), each.timeout_s * 1000):,}"
