"""Whether what happens is still what the champion learned from, and what is to be done if it is not."""
