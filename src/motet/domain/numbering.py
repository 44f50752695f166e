"""Numbers with a check digit: ICCID (ITU-T E.118) and IMEI (TS 23.003 §6.2.1)."""


def luhn_digit(digits: str) -> str:
    """The digit that makes `digits` plus it valid (ISO/IEC 7812-1, annex B)."""
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 if position % 2 else 2)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def has_luhn_digit(digits: str) -> bool:
    """Whether the last digit is the check digit of those before it."""
    return len(digits) > 1 and digits.isascii() and digits.isdigit() and luhn_digit(digits[:-1]) == digits[-1]
