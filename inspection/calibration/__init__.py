"""Scores to decisions: thresholds and what they promise, the policy that uses them, and how well they do."""
