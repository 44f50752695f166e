"""Who may do what: principals, permissions, tokens."""
