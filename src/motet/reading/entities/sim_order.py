"""Orders of SIM cards and the batches that they come in, as they are read: by their workspace, and by the operator."""

from motet.access.principals import Permission
from motet.domain.sim_ordering import BatchStatus, OrderStatus, bic_digits
from motet.reading.filters import one_of
from motet.reading.makers import column, global_id, state
from motet.reading.model import Entity, ToMany, ToOne
from motet.reading.statement import Statement
from motet.reading.tag_scope import SHARED


def _bic(value: str, alias: str, statement: Statement) -> str:
    return f"{alias}.bic = {statement.add(bic_digits(value))}"


SIM_PURCHASE_ORDER = Entity(
    name="SimPurchaseOrder",
    table="sim_purchase_order",
    permission=Permission.SIM_ORDER_READ,
    fields={
        "id": global_id("SimPurchaseOrder"),
        "workspaceId": global_id("Workspace", "workspace_id"),
        "status": state("status", OrderStatus),
        "reference": column("reference"),
        "recipient": column("recipient"),
        "addressLines": column("address_lines"),
        "postalCode": column("postal_code"),
        "city": column("city"),
        "country": column("country"),
        "carrier": column("carrier"),
        "tracking": column("tracking"),
        "reason": column("reason"),
        "createdAt": column("created_at"),
        "placedAt": column("placed_at"),
        "producedAt": column("produced_at"),
        "shippedAt": column("shipped_at"),
        "deliveredAt": column("delivered_at"),
        "cancelledAt": column("cancelled_at"),
        "items": ToMany("SimPurchaseOrderItem", "order_id"),
        "batch": ToOne("SimBatch", "batch_id"),
    },
    filters={"status": one_of("status", OrderStatus)},
    operator_reads_all=True,
    scope=SHARED,
)

SIM_PURCHASE_ORDER_ITEM = Entity(
    name="SimPurchaseOrderItem",
    table="sim_purchase_order_item",
    permission=Permission.SIM_ORDER_READ,
    fields={
        "id": global_id("SimPurchaseOrderItem"),
        "package": column("package"),
        "quantity": column("quantity"),
    },
    operator_reads_all=True,
    scope=SHARED,
)

SIM_BATCH = Entity(
    name="SimBatch",
    table="sim_batch",
    permission=Permission.SIM_ORDER_READ,
    fields={
        "id": global_id("SimBatch"),
        "bic": column("bic"),
        "status": state("status", BatchStatus),
        "quantity": column("quantity"),
        "createdAt": column("created_at"),
        "deliveredAt": column("delivered_at"),
        "registeredAt": column("registered_at"),
        "registeredBy": column("registered_by"),
        "order": ToOne("SimPurchaseOrder", "order_id"),
        "sims": ToMany("Sim", "batch_id"),
    },
    filters={"bic": _bic, "status": one_of("status", BatchStatus)},
    operator_reads_all=True,
    scope=SHARED,
)
