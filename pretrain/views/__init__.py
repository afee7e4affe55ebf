"""Views: augmented renderings of an image, drawn for a whole batch at once on the device."""
