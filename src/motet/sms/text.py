"""Text to user data and back: GSM 7-bit where it suffices, else UTF-16BE."""

from typing import NamedTuple

from motet.sms import gsm7
from motet.sms.data_coding import DATA_CODING_DEFAULT, DATA_CODING_UCS2, Alphabet, alphabet_of


class EncodedText(NamedTuple):
    """`payload` as SMPP carries it: unpacked septets, or UTF-16BE without a byte order mark."""

    data_coding: int
    payload: bytes


def encode_text(text: str) -> EncodedText:
    """The shortest of the two alphabets that holds the text. Total: a lone surrogate becomes U+FFFD."""
    septets = gsm7.encode(text)
    if septets is not None:
        return EncodedText(DATA_CODING_DEFAULT, septets)
    try:
        return EncodedText(DATA_CODING_UCS2, text.encode("utf-16-be"))
    except UnicodeEncodeError:
        return EncodedText(DATA_CODING_UCS2, whole_text(text).encode("utf-16-be"))


def whole_text(text: str) -> str:
    """The text as every encoding can hold it: split surrogate pairs, as JSON may bring, joined, lone ones U+FFFD."""
    return text.encode("utf-16-be", "surrogatepass").decode("utf-16-be", "replace")


def decode_text(payload: bytes, data_coding: int, default_alphabet: Alphabet = Alphabet.GSM7) -> str | None:
    """The text of user data without its header, None if it is octets.

    `default_alphabet` is what `data_coding` 0 stands for at this peer. Total: what the alphabet lacks, lone
    surrogates and an odd last octet of UCS-2 become U+FFFD.
    """
    match alphabet_of(data_coding, default_alphabet):
        case Alphabet.GSM7:
            return gsm7.decode(payload)
        case Alphabet.UCS2:
            return payload.decode("utf-16-be", "replace")
        case Alphabet.LATIN1:
            return payload.decode("latin-1")
        case Alphabet.ASCII:
            return payload.decode("ascii", "replace")
        case Alphabet.OCTETS:
            return None
