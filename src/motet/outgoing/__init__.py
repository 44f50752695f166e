"""What may be asked of machines elsewhere that a customer named: which addresses, how long, how much."""
