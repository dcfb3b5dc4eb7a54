"""The shop's settings as objects: configuration, columns, rules, experiments and recommendation IDs."""
