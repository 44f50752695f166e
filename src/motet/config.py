"""What an operator sets, from flags and MOTET_* variables. (First version: the error every start-up step raises.)"""


class StartError(Exception):
    """Motet cannot start. The message is for the person at the shell: what is wrong, and what to do about it."""
