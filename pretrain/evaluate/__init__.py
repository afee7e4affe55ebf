"""What an encoder is worth, measured while it is frozen."""
