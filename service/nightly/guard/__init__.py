"""The guard: which pictures of the day may be learned from. Pure functions of what is on record of them."""
