"""Returns: what inspection found, what it cost, and when it has paid for itself; every number with its parts."""
