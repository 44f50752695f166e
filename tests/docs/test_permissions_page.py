"""What takes which permission: every route says it, and the page of docs is what the code says."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path
from runpy import run_path

import pytest

from motet.access.principals import NETWORK_PERMISSIONS, OPERATOR_PERMISSIONS, ROLE_PERMISSIONS, Permission
from motet.rest.permissions import ROUTES

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src"
TOOL = run_path(str(ROOT / "tools/permissions.py"))
COLUMNS, page, fields_by_permission = TOOL["COLUMNS"], TOOL["page"], TOOL["fields_by_permission"]
EDGES = ("rest", "graphql", "network", "bootstrap", "identity", "mail", "portal")
ROUTE_CALLS = {"Route", "Mount", "WebSocketRoute"}


def paths_in(file: Path) -> list[str]:
    """The paths of the routes that a module makes, and of what it hangs into `node.paths`."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    found: list[ast.expr] = []
    loops: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ROUTE_CALLS:
            found.append(node.args[0])
        if (
            isinstance(node, ast.comprehension)
            and isinstance(node.target, ast.Name)
            and isinstance(node.iter, ast.Name)
        ):
            loops[node.target.id] = node.iter.id
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            target = node.targets[0]
            if isinstance(target.value, ast.Attribute) and target.value.attr == "paths":
                found.append(target.slice)
    if not found:
        return []
    names = vars(importlib.import_module(".".join(file.relative_to(SOURCE).with_suffix("").parts)))
    paths = []
    for each in found:
        if isinstance(each, ast.Constant):
            paths.append(str(each.value))
        elif isinstance(each, ast.BinOp) and isinstance(each.left, ast.Constant):
            paths.append(f"{each.left.value}/…")  # all below it take the same
        elif isinstance(each, ast.Name) and each.id in names:
            paths.append(names[each.id])
        elif isinstance(each, ast.Name) and loops.get(each.id) in names:
            paths += names[loops[each.id]]
        else:  # what tells nothing as it stands cannot be looked up
            pytest.fail(f"{file}:{each.lineno}: give the route's path as a text or a constant of the module")
    return paths


def test_every_route_declares_what_it_takes() -> None:
    files = [file for edge in EDGES for file in sorted((SOURCE / "motet" / edge).rglob("*.py"))]
    paths = {path: file for file in files for path in paths_in(file)}
    assert len(paths) >= 10
    undeclared = {path: str(file) for path, file in paths.items() if path not in ROUTES}
    assert undeclared == {}, "say in motet/rest/permissions.py what they take"
    assert set(ROUTES) == set(paths), "routes that are no more"


def test_the_page_is_what_the_code_says() -> None:
    assert (ROOT / "docs/permissions.md").read_text(encoding="utf-8") == page(), "run `make schema`"


def test_the_page_holds_every_permission_role_and_field() -> None:
    text = page()
    for permission in Permission:
        assert f"| `{permission.value}` |" in text
    assert set(COLUMNS.values()) == {OPERATOR_PERMISSIONS, NETWORK_PERMISSIONS, *ROLE_PERMISSIONS.values()}
    for root in ("Query", "Mutation", "Subscription"):
        for names in fields_by_permission(root).values():
            assert all(f"`{name}`" in text for name in names)
    observer = next(line for line in text.splitlines() if line.startswith("| `sim:write` |"))
    marks = dict(zip(COLUMNS, [cell.strip() for cell in observer.split("|")[2:-1]], strict=True))
    assert marks == {
        "Operator": "",
        "Super admin": "✓",
        "Administrator": "✓",
        "User": "✓",
        "Observer": "",
        "Network": "",
    }
