"""Check digits: Luhn of ICCID (ITU-T E.118) and IMEI (TS 23.003 §6.2.1), modulo 97 of EID (SGP.29 §10)."""

_DOUBLED = str.maketrans("0123456789", "0246813579")
"""Each digit to the sum of the digits of its double."""


def luhn_digit(digits: str) -> str:
    """The digit that makes `digits` plus it valid (ISO/IEC 7812-1, annex B)."""
    summands = digits[-1::-2].translate(_DOUBLED) + digits[-2::-2]
    return str(-sum(map(int, summands)) % 10)


def has_luhn_digit(digits: str) -> bool:
    """Whether the last digit is the check digit of those before it."""
    return len(digits) > 1 and digits.isascii() and digits.isdigit() and luhn_digit(digits[:-1]) == digits[-1]


def mod97_digits(digits: str) -> str:
    """The two digits that make `digits` plus them valid (ISO/IEC 7064 MOD 97-10; for an EID SGP.29 §10)."""
    return f"{98 - int(digits + '00') % 97:02}"


def has_mod97_digits(digits: str) -> bool:
    """Whether the last two digits are the check digits of those before them: the whole leaves 1 when divided by 97."""
    return len(digits) > 2 and digits.isascii() and digits.isdigit() and digits[-2:] == mod97_digits(digits[:-2])
