"""Signed webhooks: targets, deliveries, retries."""
