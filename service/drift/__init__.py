"""Drift: scores of a station that move as a whole, told apart by what has moved."""
