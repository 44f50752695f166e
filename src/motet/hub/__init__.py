"""The messaging hub: accepts, commits, routes and follows every message."""
