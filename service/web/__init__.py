"""What all features share of HTTP: the problem body, the limits and headers, the templates."""
