"""How connections are declared: the four page arguments and, where there are any, a filter and an order."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, ForwardRef

import strawberry
from strawberry.types import Info

from motet.access.principals import Permission
from motet.graphql.fields import query, raw
from motet.graphql.plain import answered
from motet.graphql.reads import read_list
from motet.graphql.scoping import Scoping
from motet.graphql.selection import selection_of
from motet.graphql.types.relay import After, Before, Connection, First, Last, read_elsewhere
from motet.reading.selection import Selected

_PAGE = {"first": First, "after": After, "last": Last, "before": Before}


def root_list(node: Any, permission: Permission, text: str, *, filter_by: Any = None, order_by: Any = None) -> Any:
    """A query field that lists all objects of the type `node`, which the reading room knows by the same name."""

    async def resolve(self: Any, info: Info, **arguments: Any) -> Any:
        return await read_list(info, node.__name__)

    return query(permission, text, Scoping.ROOM)(_with_signature(resolve, node, filter_by, order_by, takes_info=True))


def plain_list(
    node: Any,
    permission: Permission,
    text: str,
    *,
    filter_by: Any,
    page: Callable[[Info, Selected], Awaitable[Any]],
) -> Any:
    """A query field that lists values which are no rows: `page` gives the answer for what was selected."""

    async def resolve(self: Any, info: Info, **arguments: Any) -> Any:
        return answered(await page(info, selection_of(raw(info))))

    return query(permission, text)(_with_signature(resolve, node, filter_by, None, takes_info=True))


def listed(node: Any, text: str, *, filter_by: Any = None, order_by: Any = None) -> Any:
    """A list below an object; like all that is below one it is read, never called.

    A type of a module that imports this one is given by `later`.
    """

    def resolve(self: Any, **arguments: Any) -> Any:
        read_elsewhere()

    resolver = _with_signature(resolve, node, filter_by, order_by, takes_info=False)
    return strawberry.field(resolver=resolver, description=text)


def later(name: str, module: str) -> Any:
    """A type of `motet.graphql.types.<module>` that is looked up when all modules are there."""
    return Annotated[ForwardRef(name), strawberry.lazy(f"motet.graphql.types.{module}")]


def _with_signature(
    resolve: Callable[..., Any], node: Any, filter_by: Any, order_by: Any, *, takes_info: bool
) -> Callable[..., Awaitable[Any]]:
    """The resolver with the arguments written out, as Strawberry reads them."""
    annotations: dict[str, Any] = {"info": Info} if takes_info else {}
    annotations |= _PAGE
    if filter_by is not None:
        annotations["filter"] = Annotated[filter_by | None, strawberry.argument(description="Which of them.")]
    if order_by is not None:
        text = "How they are sorted; by creation if not given."
        annotations["order_by"] = Annotated[order_by | None, strawberry.argument(description=text)]
    page = Connection[node] | None
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [inspect.Parameter("self", kind)]
    for name, annotation in annotations.items():
        default = inspect.Parameter.empty if name == "info" else strawberry.UNSET
        parameters.append(inspect.Parameter(name, kind, default=default, annotation=annotation))
    vars(resolve)["__signature__"] = inspect.Signature(parameters, return_annotation=page)
    resolve.__annotations__ = {**annotations, "return": page}
    return resolve
