"""`alsolike config`: what a shop sets, in one YAML file."""
