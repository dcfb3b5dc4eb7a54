"""Charges of the settings that protect a deployment: own key, private network, firewall, audit trail and backups."""

from __future__ import annotations

from collections.abc import Mapping

from operations.cost.bill import HOURS, MONTH_S, Load, Meter
from operations.cost.charges import ANSWER_BYTES, STATIC_FILES, rows_gb
from operations.cost.summary import BilledResources
from operations.cost.traffic import RECORD_BYTES, Calls

# Assumed: a service caches the data key of a caller for five minutes, and a process uses three services.
KEY_CACHE_S, KEY_SERVICES = 300, 3


def protection_charges(meter: Meter, summary: BilledResources, load: Load, calls: Mapping[str, Calls]) -> None:
    """Add the costs of the settings that protect a deployment. Some depend on earlier lines of the bill."""
    protection = summary.protection
    if protection.own_key:
        requests = sum(call.processes for call in calls.values()) * KEY_SERVICES * MONTH_S / KEY_CACHE_S
        how = f"{KEY_SERVICES} services a process, every {KEY_CACHE_S} s, assumed"
        meter.add("KMS", "requests", requests, "kms_requests", how)
    if protection.firewall_rules:
        meter.add("WAF", "web ACL", 1, "web_acls", "of the distribution", fixed=True)
        meter.add("WAF", "rules", protection.firewall_rules, "firewall_rules", "of the templates", fixed=True)
        how = "requests for static lists; visits of the pages are not counted"
        meter.add("WAF", "requests", load.static_requests * STATIC_FILES, "firewall_requests", how)
    if protection.endpoints:
        hours = protection.endpoints * HOURS
        how = f"{protection.endpoints} network interfaces, {HOURS} hours"
        meter.add("VPC", "interface endpoints", hours, "endpoint_hours", how, fixed=True)
        sent_gb = load.events * RECORD_BYTES / 1e9
        meter.add("VPC", "data of endpoints", sent_gb, "endpoint_gb", f"{RECORD_BYTES} bytes an event to the stream")
    if protection.private_api:
        how = f"{ANSWER_BYTES:,} bytes a response, without the endpoint's hours if it is yours"
        meter.add("VPC", "responses of the private API", load.requests * ANSWER_BYTES / 1e9, "endpoint_gb", how)
    if protection.audit_trail:
        requests = sum(line.quantity for line in meter.lines if line.price in ("s3_reads", "s3_writes"))
        meter.add("CloudTrail", "data events", requests, "data_events", "reads and writes of S3")
    if days := protection.backup_days:
        how = f"{days} daily copies of users and items"
        meter.add("Backup", "tables", rows_gb(load) * days, "backup_table_gb", how)
        objects_gb = sum(line.quantity for line in meter.lines if line.price in ("s3_gb", "s3_infrequent_gb"))
        meter.add("Backup", "buckets", objects_gb, "backup_bucket_gb", "one copy, and later only changes")
