"""What keeps Motet from starting."""


class StartError(Exception):
    """Motet cannot start. The message is for the person at the shell: what is wrong, and what to do about it."""


class SettingError(StartError):
    """A flag or variable has a value that it cannot have."""
