"""Addresses, DNS and where data leaves for the internet."""
