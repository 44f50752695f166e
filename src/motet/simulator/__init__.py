"""A mobile network in one process: an SMSC that speaks real SMPP, with virtual phones behind it."""
