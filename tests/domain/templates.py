"""Finds what callers are told in the code: the first argument of each error, and of `said`."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from string import Formatter

import motet
from motet.access.tokens import AuthenticationError
from motet.domain.errors import DomainError
from motet.reading.errors import RequestError

SOURCES = Path(motet.__file__).parent

NOT_FOR_PEOPLE = ("simulator", "cli", "bootstrap", "identity/scim", "identity/audit_check")
"""Rooms whose words are English: shells and what they call, the simulated network, SCIM, which directories speak."""


@dataclass
class Template:
    """What is told, and where it stands."""

    text: str
    values: frozenset[str]
    """The names that it is given."""
    places: list[str] = field(default_factory=list)


def names_in(template: str) -> list[str]:
    """The placeholders, with their conversions and formats, in any order."""
    return sorted(
        name + (f"!{conversion}" if conversion else "") + (f":{form}" if form else "")
        for _, name, form, conversion in Formatter().parse(template)
        if name is not None
    )


def plain_names(template: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in Formatter().parse(template) if name is not None)


def templates() -> Mapping[str, Template]:
    """By their text."""
    found: dict[str, Template] = {}
    for file in sorted(SOURCES.rglob("*.py")):
        room = file.relative_to(SOURCES).as_posix()
        if not room.startswith(NOT_FOR_PEOPLE):
            for one in _in_file(file, room):
                same = found.setdefault(one.text, one)
                if same is not one:
                    assert same.values == one.values, (same, one)
                    same.places += one.places
    return found


def _in_file(file: Path, room: str) -> Iterator[Template]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    constants = {
        node.targets[0].id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    for called, call in _calls(tree):
        place = f"{room}:{call.lineno}"
        values = frozenset(keyword.arg for keyword in call.keywords if keyword.arg is not None) - {"path"}
        for text in _texts(call.args[0], constants, place):
            shown = _sentence(text) if called in _SENTENCES else text
            yield Template(shown, values, [place])


def _calls(tree: ast.Module) -> Iterator[tuple[str, ast.Call]]:
    """Calls of `said` and of the errors' classes, and what these hand to their own base."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name in _ERRORS:
            for inner in ast.walk(node):
                if isinstance(inner, ast.Call) and ast.unparse(inner.func) == "super().__init__" and inner.args:
                    yield node.name, inner
        elif isinstance(node, ast.Call) and node.args:
            called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if called in _ERRORS or called == "said":
                yield called, node


def _texts(argument: ast.expr, constants: Mapping[str, ast.expr], place: str) -> list[str]:
    """The constants that an argument can be; what comes from elsewhere was marked by `said` there."""
    assert not isinstance(argument, ast.JoinedStr | ast.BinOp), f"{place}: a template with values, not an f-string"
    if isinstance(argument, ast.IfExp):
        return [*_texts(argument.body, constants, place), *_texts(argument.orelse, constants, place)]
    if isinstance(argument, ast.Name):
        argument = constants.get(argument.id, argument)
    return [argument.value] if isinstance(argument, ast.Constant) and isinstance(argument.value, str) else []


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def _family(error: type[Exception]) -> set[str]:
    return {error.__name__}.union(*(_family(one) for one in error.__subclasses__()))


for _module in walk_packages(motet.__path__, "motet."):  # wherever errors are declared
    if not _module.name.endswith("__main__"):
        import_module(_module.name)

_SENTENCES = _family(AuthenticationError)
_ERRORS = _family(DomainError) | _family(RequestError) | _SENTENCES
