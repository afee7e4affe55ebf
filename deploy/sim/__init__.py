"""A simulated plant: weeks of nights in minutes, judged against the truth."""
