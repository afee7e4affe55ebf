"""Access: station keys for cameras, passwords and sessions for people, and what each may do."""
