"""A version that passed the gate, on trial beside the champion, then champion or taken back."""
