"""Documents of the GraphQL edge that are kept for clients."""
