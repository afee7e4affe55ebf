"""The encoder, what survives training: a backbone with its taps, and the weights it may start from."""
