"""Current model, configuration and catalogue, refreshed while requests are served."""
