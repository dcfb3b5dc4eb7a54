"""What the shop sends: interactions onto the stream, items and users into their tables."""
