"""CloudWatch alarms and their actions. Alarms are evaluated on the cloud's metrics."""
