"""Direct invocations: batches of users, replays, forecasts, and previews and checks of rules."""
