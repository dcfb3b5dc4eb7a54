"""What the shop sends: interactions onto the stream, items into the catalogue."""
