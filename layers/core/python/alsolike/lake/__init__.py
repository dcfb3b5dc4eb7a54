"""Tables of the lake: keys, columns and readers."""
