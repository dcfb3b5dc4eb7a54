"""Model bundles: writing, parity check, related items, reference model."""
