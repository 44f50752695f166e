"""What happened, told to those who listen: the bus of one node."""
