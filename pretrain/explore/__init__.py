"""A small search over recipes on a site's own images, ranked without a single label."""
