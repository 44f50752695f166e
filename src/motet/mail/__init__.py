"""Mail: what waits to be sent, and its way out by SMTP."""
