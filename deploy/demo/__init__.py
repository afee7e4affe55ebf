"""A simulated line: rendered parts, a camera that posts them, and the whole product run on them."""
