"""The shop's settings as objects: configuration, columns, rules, experiments, recommendation IDs."""
