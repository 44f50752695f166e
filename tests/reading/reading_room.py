"""A reader, and who reads with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from motet.access.principals import Principal, Role, member, operator
from motet.reading.reader import Answer, Reader
from motet.reading.selection import Selected, fields
from tenants import Tenant, Tenants


@dataclass
class Room:
    """Reads as the administrator of `demo`, unless told otherwise."""

    reader: Reader
    tenants: Tenants
    demo: Tenant
    other: Tenant

    def principal(self, tenant: Tenant | None = None, role: Role = Role.ADMINISTRATOR) -> Principal:
        tenant = tenant or self.demo
        return member("someone", tenant.workspace_id, tenant.name, role, 1 << 40)

    def operator(self) -> Principal:
        return operator("operator", 1 << 40)

    async def list(self, entity: str, *shown: str, principal: Principal | None = None, **arguments: Any) -> Any:
        """A connection's `nodes` with these fields, its `pageInfo`, and its counts."""
        children = (
            Selected("nodes", "nodes", {}, fields(*shown)),
            Selected("pageInfo", "pageInfo", {}, fields("hasNextPage", "hasPreviousPage", "startCursor", "endCursor")),
            *fields("totalCount", "totalCountIsEstimate"),
        )
        answer: Answer = await self.reader.connection(
            principal or self.principal(), entity, Selected("list", "list", arguments, children)
        )
        assert not answer.failures
        return answer.value
