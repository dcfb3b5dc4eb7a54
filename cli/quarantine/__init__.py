"""What did not get into the lake, and how it gets there after all."""
