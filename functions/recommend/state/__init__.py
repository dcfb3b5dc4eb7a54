"""The current model, configuration, catalogue and users, refreshed while requests are answered."""
