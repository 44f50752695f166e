"""The demo's sample tenants."""
