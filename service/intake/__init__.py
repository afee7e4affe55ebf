"""Intake: an image comes in, is judged, and its verdict is answered once image and verdict are durable."""
