"""The lake, counted once and cleaned, as a training dataset."""
