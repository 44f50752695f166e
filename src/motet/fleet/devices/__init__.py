"""Devices: their settings, bulk changes, where they are, why they are offline."""
