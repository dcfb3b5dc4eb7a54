"""Model versions: champion pointer, canary, gate's decisions, promotion."""
