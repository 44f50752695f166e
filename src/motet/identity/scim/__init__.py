"""SCIM 2.0: an organisation's directory keeps its people here up to date (RFC 7643, RFC 7644)."""
