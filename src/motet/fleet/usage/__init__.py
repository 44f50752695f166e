"""What devices use: data sessions, SMS counted, quotas and limits."""
