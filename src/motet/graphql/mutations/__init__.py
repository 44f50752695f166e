"""The mutations, a module per aggregate: an input becomes a call of the room that decides."""
