"""Retention: pictures go when their time is over; verdicts stay."""
