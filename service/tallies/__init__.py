"""Tallies: how many parts came, and how they scored, by station, bundle and quarter of an hour."""
