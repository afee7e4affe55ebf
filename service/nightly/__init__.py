"""Nightly: every night the line's own pictures make the model better, or nothing changes."""
