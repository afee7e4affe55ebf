"""The terms of the loss, one a file. Each takes embeddings as the networks give them and normalises them itself."""
