"""Direct invocations: batches of users, replays, and previews of rules."""
