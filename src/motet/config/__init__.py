"""What an operator sets: flags, each with a MOTET_* variable behind it, made into one frozen object."""
