"""A selection of fields becomes SQL rows: what every read goes through."""
