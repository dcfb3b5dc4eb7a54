"""Charges that are due while nothing happens."""

from __future__ import annotations

from alsolike.cost.bill import Meter
from alsolike.cost.load import HOURS, MONTH_S, Load
from alsolike.cost.summary import Function, Stream, Summary
from alsolike.cost.traffic import RECORD_BYTES, shards, shards_needed

EXTENDED_HOURS, LONG_TERM_HOURS = 24, 168


def standing(meter: Meter, summary: Summary, load: Load) -> None:
    """Add the fixed charges: stream, alarms, dashboards, keys, clients, and warm starts of functions."""
    _stream(meter, summary, load)
    meter.add("CloudWatch", "alarms", summary.alarm_metrics, "alarms", "metrics that alarms watch", fixed=True)
    meter.add(
        "CloudWatch", "composite alarms", summary.composite_alarms, "composite_alarms", "of the templates", fixed=True
    )
    meter.add("CloudWatch", "dashboards", summary.dashboards, "dashboards", "of the templates", fixed=True)
    meter.add(
        "Cognito",
        "machine clients",
        summary.machine_clients,
        "cognito_clients",
        "app clients of the shop and of its administrators",
        fixed=True,
    )
    meter.add("Secrets Manager", "secrets", summary.secrets, "secrets", "of the templates", fixed=True)
    meter.add("KMS", "keys", summary.keys, "kms_keys", "of the templates, for the log of Spark", fixed=True)
    for name, function in summary.functions.items():
        _starting(meter, name, function)


def _stream(meter: Meter, summary: Summary, load: Load) -> None:
    stream, count = summary.stream, shards(summary, load)
    if stream.on_demand:
        meter.add("Kinesis", "on-demand stream", HOURS, "kinesis_on_demand_hours", f"{HOURS} hours", fixed=True)
        return
    needed = shards_needed(load)
    if needed > stream.shards:
        meter.remark(
            f"the load needs {needed} shards at {load.peak:g} times its mean; stream_shards is {stream.shards}: "
            f"set it to {needed}, which is what the bill has"
        )
    meter.add("Kinesis", "shards", count * HOURS, "kinesis_shard_hours", f"{count} shard(s), {HOURS} hours", fixed=True)
    if stream.retention_hours > EXTENDED_HOURS:
        how = f"{count} shard(s) that keep records for more than 24 hours: {stream.retention_hours}"
        meter.add("Kinesis", "records kept longer", count * HOURS, "kinesis_extended_shard_hours", how, fixed=True)


def kept_gb(stream: Stream, load: Load, *, hours: int) -> float:
    """Return the size of the stream's records above an age."""
    return load.events_per_day / 24 * max(0, stream.retention_hours - hours) * RECORD_BYTES / 1e9


def _starting(meter: Meter, name: str, function: Function) -> None:
    gb = function.memory_mb / 1024
    if function.snap_start:
        how = f"{function.memory_mb} MB of the published version, all month"
        meter.add("Lambda", f"SnapStart of {name}", gb * MONTH_S, "snap_start_cache_gb_s", how, fixed=True)
    if function.provisioned:
        how = f"{function.provisioned} kept warm with {function.memory_mb} MB, all month"
        price = "provisioned_arm_gb_s" if function.architecture == "arm64" else "provisioned_x86_gb_s"
        meter.add("Lambda", f"provisioned {name}", function.provisioned * gb * MONTH_S, price, how, fixed=True)
