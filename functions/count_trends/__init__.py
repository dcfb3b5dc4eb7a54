"""Stream consumer that counts interactions for trends."""
