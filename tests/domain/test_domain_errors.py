"""The family of errors: each has a code of its own, stable for callers."""

from motet.domain.errors import DOMAIN_ERRORS, DomainError, InvalidError


def test_each_error_has_its_code() -> None:
    assert [error.code for error in DOMAIN_ERRORS] == [
        "NOT_FOUND",
        "CONFLICT",
        "INVALID",
        "DENIED",
        "LIMIT_REACHED",
        "UPSTREAM",
    ]


def test_the_family_is_whole() -> None:
    assert set(DomainError.__subclasses__()) == set(DOMAIN_ERRORS)


def test_an_error_says_what_and_where() -> None:
    error = InvalidError("Too long", path=("input", "text"))
    assert (str(error), error.message, error.path) == ("Too long", "Too long", ("input", "text"))
    assert InvalidError("Too long").path == ()
