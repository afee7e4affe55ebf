"""The bundle: all that passes from training to the station, and proves itself before it may serve."""
