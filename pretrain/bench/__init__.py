"""How fast training runs: the full step beside the step on images that lie on the device, and beside bare networks."""
