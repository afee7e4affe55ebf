"""The image store: content-addressed, on a local disk or in an S3-compatible bucket."""
