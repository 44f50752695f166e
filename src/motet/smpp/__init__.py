"""SMPP 3.4 without input and output: codec, session, receipts. Pure."""
