"""Items for a user or session: live profile in, ranked items out."""
