"""What the messaging hub is told by people: SMPP accounts, short codes, upstream links."""
