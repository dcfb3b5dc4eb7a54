"""Direct invocations for batches of users, replays and previews of rules."""
