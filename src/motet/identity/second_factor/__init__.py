"""What a user shows besides a password: codes, recovery codes, passkeys; and devices that need not show it again."""
