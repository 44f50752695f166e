"""The words of the field and their rules: identities, states, errors, ids. Pure."""
