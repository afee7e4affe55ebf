"""A picture of what a recipe asks an encoder to learn, for the person who has to trust it."""
