"""What is held about a user, for whoever asks to see it."""
