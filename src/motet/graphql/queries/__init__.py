"""The query fields, a module per area; `motet.graphql.query` puts them together."""
