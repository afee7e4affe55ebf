"""The gate's own error rates: how often a worse model passes it, and a better one is kept out."""
