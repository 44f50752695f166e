"""The GraphQL types. They declare names, types and meanings; values come from the reading room."""
