"""EventBridge: targets of rules, and schedules on a clock that can be advanced."""
