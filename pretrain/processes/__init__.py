"""Where a run computes: its device, and the processes that share one batch."""
