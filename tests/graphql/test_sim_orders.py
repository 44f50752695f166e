"""From an order to SIMs: the workspace orders, the operator makes and lists cards, the box's code registers them."""

from __future__ import annotations

from typing import Any

from graphql_client import Client
from graphql_world import World
from test_mutations import error, mutate

from motet.access.principals import Role
from motet.domain.global_ids import encode_global_id
from motet.fleet.seeds.tenant import identity

ADDRESS = {"recipient": "Stores", "lines": ["Dock 4"], "postalCode": "69001", "city": "Lyon", "country": "fr"}
ORDER = "simPurchaseOrder { id status batch { id bic status quantity } }"
FIRST = identity(70_000_001)


async def ordered(client: Client, *items: tuple[str, int], place: bool = True) -> str:
    wanted = [{"package": package, "quantity": quantity} for package, quantity in items]
    payload = await mutate(
        client, "simPurchaseOrderCreate", "simPurchaseOrder { id }", items=wanted, address=ADDRESS, place=place
    )
    assert payload["userErrors"] == []
    return str(payload["simPurchaseOrder"]["id"])


class Operator:
    """The operator, at work on demo's orders."""

    def __init__(self, world: World) -> None:
        self.client = world.operator()
        self.workspace = encode_global_id("Workspace", world.demo.workspace_id)

    async def do(self, step: str, order_id: str, **more: Any) -> Any:
        return await mutate(
            self.client, f"simPurchaseOrder{step}", ORDER, workspaceId=self.workspace, id=order_id, **more
        )

    async def attach(self, order_id: str, **more: Any) -> Any:
        shown = "simBatch { bic quantity status } rowCount attachedCount rowErrorCount rowErrors { line field code }"
        return await mutate(self.client, "simBatchAttach", shown, workspaceId=self.workspace, orderId=order_id, **more)


def counted(quantity: int, first: int = 70_000_001) -> dict[str, Any]:
    return {**identity(first)._asdict(), "quantity": quantity}


async def delivered(world: World, client: Client, quantity: int = 3) -> str:
    """The code of a delivered batch."""
    order_id = await ordered(client, ("MFF2", quantity))
    operator = Operator(world)
    attached = await operator.attach(order_id, package="MFF2", range=counted(quantity))
    assert attached["userErrors"] == []
    for step in ("Produce", "Ship", "Deliver"):
        assert (await operator.do(step, order_id))["userErrors"] == []
    return str(attached["simBatch"]["bic"])


async def test_an_orders_way_from_draft_to_sims(world: World, client: Client) -> None:
    operator = Operator(world)
    order_id = await ordered(client, ("MFF2", 2), ("TRIPLE_CUT", 1), place=False)
    assert (await operator.do("Produce", order_id))["userErrors"] == error("CONFLICT", "id")
    changed = await mutate(
        client, "simPurchaseOrderUpdate", "simPurchaseOrder { reference city items { nodes { package quantity } } }",
        id=order_id, reference="PO 4711", items=[{"package": "INDUSTRIAL_2FF", "quantity": 2}],
    )  # fmt: skip
    assert changed["simPurchaseOrder"] == {
        "reference": "PO 4711",
        "city": "Lyon",
        "items": {"nodes": [{"package": "INDUSTRIAL_2FF", "quantity": 2}]},
    }
    placed = await mutate(client, "simPurchaseOrderPlace", "simPurchaseOrder { status }", id=order_id)
    assert placed["simPurchaseOrder"] == {"status": "PLACED"}
    late = await mutate(client, "simPurchaseOrderUpdate", "", id=order_id, reference="x")
    assert late["userErrors"] == error("CONFLICT", "id")
    reply = await operator.client.query(
        "{ simPurchaseOrders(filter: {status: [PLACED]}) { nodes { id workspaceId country } } }"
    )
    assert reply.data["simPurchaseOrders"]["nodes"] == [
        {"id": order_id, "workspaceId": operator.workspace, "country": "FR"}
    ]

    assert (await operator.do("Produce", order_id))["userErrors"] == error("DENIED", "id")  # no cards yet
    attached = await operator.attach(order_id, package="INDUSTRIAL_2FF", range=counted(1))
    bic = attached["simBatch"].pop("bic")
    assert attached == {
        "simBatch": {"quantity": 1, "status": "IN_PRODUCTION"},
        "rowCount": 1, "attachedCount": 1, "rowErrorCount": 0, "rowErrors": [], "userErrors": [],
    }  # fmt: skip
    assert (await operator.do("Produce", order_id))["userErrors"] == error("DENIED", "id")  # one of two
    second = identity(70_000_900)
    csv = f"iccid,imsi,msisdn,package\n{second.iccid},{second.imsi},{second.msisdn},INDUSTRIAL_2FF\n"
    assert (await operator.attach(order_id, csv=csv))["attachedCount"] == 1
    for step, status in (("Produce", "PRODUCED"), ("Ship", "SHIPPED"), ("Deliver", "DELIVERED")):
        early = await mutate(client, "simBatchRegister", "", bic=bic)
        assert early["userErrors"] == error("DENIED", "bic")
        more = {"carrier": "Post", "tracking": "X1"} if step == "Ship" else {}
        done = await operator.do(step, order_id, **more)
        assert done["simPurchaseOrder"]["status"] == status
    assert (await operator.do("Deliver", order_id))["userErrors"] == error("CONFLICT", "id")

    typed = f"{bic[:4]}-{bic[4:8]}-{bic[8:12]}-{bic[12:]}"
    reply = await client.query(
        "query ($bic: String!) { simBatch(bic: $bic) { quantity status order { id } sims { totalCount } } }",
        {"bic": typed},
    )
    assert reply.data["simBatch"] == {
        "quantity": 2, "status": "DELIVERED", "order": {"id": order_id}, "sims": {"totalCount": 0},
    }  # fmt: skip
    before = (await client.query("{ sims { totalCount } }")).data["sims"]["totalCount"]
    made = await mutate(
        client, "simBatchRegister",
        "simBatch { status registeredBy sims(orderBy: {field: ICCID}) { nodes { iccid status formFactor qualityGrade"
        " package batch { bic } history { nodes { from to } } events { nodes { typeNumber } } } } }",
        bic=typed,
    )  # fmt: skip
    assert made["simBatch"] == {
        "status": "REGISTERED",
        "registeredBy": "administrator@demo",
        "sims": {
            "nodes": [
                {
                    "iccid": iccid,
                    "status": "ISSUED",
                    "formFactor": "2FF",
                    "qualityGrade": "INDUSTRIAL",
                    "package": "INDUSTRIAL_2FF",
                    "batch": {"bic": bic},
                    "history": {"nodes": [{"from": None, "to": "ISSUED"}]},
                    "events": {"nodes": [{"typeNumber": 48}]},
                }
                for iccid in sorted((FIRST.iccid, second.iccid))
            ]
        },
    }
    assert (await client.query("{ sims { totalCount } }")).data["sims"]["totalCount"] == before + 2
    assert (await mutate(client, "simBatchRegister", "", bic=bic))["userErrors"] == error("CONFLICT", "bic")
    found = (await client.query(f'{{ sim(msisdn: "{second.msisdn}") {{ id iccid }} }}')).data["sim"]
    assert found["iccid"] == second.iccid
    assert (await mutate(client, "simActivate", "sim { status }", id=found["id"]))["sim"] == {"status": "ACTIVATED"}
    reply = await client.query("{ events(first: 20) { nodes { type actor } } }")
    told = [(node["type"], node["actor"]) for node in reply.data["events"]["nodes"] if "order" in node["type"]]
    assert told == [
        ("sim.order_delivered", "operator"), ("sim.order_shipped", "operator"), ("sim.order_produced", "operator"),
        ("sim.order_placed", "administrator@demo"),
    ]  # fmt: skip


async def test_a_batch_is_nobody_elses(world: World, client: Client) -> None:
    bic = await delivered(world, client)
    theirs = world.client(world.other)
    assert (await mutate(theirs, "simBatchRegister", "", bic=bic))["userErrors"] == error("NOT_FOUND", "bic")
    assert (await theirs.query(f'{{ simBatch(bic: "{bic}") {{ id }} }}')).data["simBatch"] is None
    wrong = bic[:-1] + str((int(bic[-1]) + 1) % 10)
    assert (await mutate(client, "simBatchRegister", "", bic=wrong))["userErrors"] == error("INVALID", "bic")
    assert (await mutate(client, "simBatchRegister", "", bic=bic))["userErrors"] == []


async def test_the_operator_names_the_workspace_of_an_order(world: World, client: Client) -> None:
    order_id = await ordered(client, ("MFF2", 1))
    operator = Operator(world)
    operator.workspace = encode_global_id("Workspace", world.other.workspace_id)
    assert (await operator.do("Decline", order_id, reason="x"))["userErrors"] == error("NOT_FOUND", "id")
    attached = await operator.attach(order_id, package="MFF2", range=counted(1))
    assert attached["userErrors"] == error("NOT_FOUND", "orderId")


async def test_an_order_is_called_off_only_before_it_is_made(world: World, client: Client) -> None:
    operator = Operator(world)
    order_id = await ordered(client, ("MFF2", 1))
    assert (await mutate(client, "simPurchaseOrderCancel", ORDER, id=order_id))["simPurchaseOrder"]["status"] == (
        "CANCELLED"
    )
    order_id = await ordered(client, ("MFF2", 1))
    await operator.attach(order_id, package="MFF2", range=counted(1))
    await operator.do("Produce", order_id)
    assert (await mutate(client, "simPurchaseOrderCancel", "", id=order_id))["userErrors"] == error("CONFLICT", "id")
    taken = await mutate(client, "simRegister", "sim { id }", **FIRST._asdict())
    assert taken["userErrors"] == error("CONFLICT", "iccid")
    declined = await operator.do("Decline", order_id, reason="no chips")
    assert declined["simPurchaseOrder"]["status"] == "CANCELLED"
    assert declined["simPurchaseOrder"]["batch"]["status"] == "CANCELLED"
    freed = await mutate(client, "simRegister", "sim { id }", **FIRST._asdict())
    assert freed["userErrors"] == []


async def test_lists_of_cards_are_taken_whole_or_not_at_all(world: World, client: Client) -> None:
    operator = Operator(world)
    order_id = await ordered(client, ("INDUSTRIAL_2FF", 2))
    ours = await world.tenants.database.pool.fetchval("SELECT msisdn FROM sim WHERE id = $1", world.other.sims[0])
    good = identity(70_000_005)
    bad = f"iccid,imsi,msisdn\n{good.iccid},{good.imsi},{good.msisdn}\n{FIRST.iccid},{FIRST.imsi},{ours}\n"
    came = await operator.attach(order_id, csv=bad, package="INDUSTRIAL_2FF")
    assert (came["attachedCount"], came["rowErrors"]) == (0, [{"line": 3, "field": "msisdn", "code": "CONFLICT"}])
    for wrong, code, field in (("QUAD_CUT", "INVALID", "package"), (None, "INVALID", "package")):
        came = await operator.attach(order_id, range=counted(1), package=wrong)
        assert came["rowErrors"] == [{"line": 1, "field": field, "code": code}]
    too_many = await operator.attach(order_id, range=counted(3), package="INDUSTRIAL_2FF")
    assert too_many["userErrors"] == error("LIMIT_REACHED")
    other_package = await operator.attach(order_id, range=counted(1), package="MFF2")
    assert other_package["userErrors"] == error("LIMIT_REACHED")
    neither = await operator.attach(order_id, package="MFF2")
    assert neither["userErrors"] == error("INVALID", "csv")
    assert (await operator.attach(order_id, range=counted(2), package="INDUSTRIAL_2FF"))["attachedCount"] == 2


async def test_orders_are_checked_against_the_reference_data(world: World, client: Client) -> None:
    async def refused(**more: Any) -> Any:
        fields = {"items": [{"package": "MFF2", "quantity": 1}], "address": ADDRESS, **more}
        return (await mutate(client, "simPurchaseOrderCreate", "simPurchaseOrder { id }", **fields))["userErrors"]

    assert await refused(items=[]) == error("INVALID", "items")
    assert await refused(items=[{"package": "5FF", "quantity": 1}]) == error("INVALID", "items", "0", "package")
    assert await refused(items=[{"package": "MFF2", "quantity": 0}]) == error("INVALID", "items", "0", "quantity")
    assert await refused(address={**ADDRESS, "country": "France"}) == error("INVALID", "address", "country")
    assert await refused(address={**ADDRESS, "lines": []}) == error("INVALID", "address", "lines")
    assert await refused(address={**ADDRESS, "city": ""}) == error("INVALID", "address", "city")
    assert await refused(reference="x" * 101) == error("INVALID", "reference")
    environment = {"temperatureMinC": 20, "temperatureMaxC": 10}
    wrong = await refused(items=[{"package": "MFF2", "quantity": 1, "environment": environment}])
    assert wrong == error("INVALID", "items", "0", "environment", "temperatureMinC")


async def test_a_multi_cut_card_for_a_vehicle_is_taken_with_a_hint(world: World, client: Client) -> None:
    item = {"package": "TRIPLE_CUT", "quantity": 1, "environment": {"mobile": True, "temperatureMinC": -30}}
    made = await mutate(
        client, "simPurchaseOrderCreate", "simPurchaseOrder { status } warnings { code }", items=[item], address=ADDRESS
    )
    assert made == {
        "simPurchaseOrder": {"status": "DRAFT"},
        "warnings": [{"code": "TOO_COLD"}, {"code": "MULTI_CUT_IN_MOBILE_DEVICE"}],
        "userErrors": [],
    }


async def test_a_repeated_order_with_the_same_key_is_one(world: World, client: Client) -> None:
    fields = {"items": [{"package": "MFF2", "quantity": 1}], "address": ADDRESS, "idempotencyKey": "po-1"}
    first = await mutate(client, "simPurchaseOrderCreate", "simPurchaseOrder { id }", **fields)
    assert await mutate(client, "simPurchaseOrderCreate", "simPurchaseOrder { id }", **fields) == first


async def test_reference_data_is_everyones_and_has_codes_not_ids(world: World, client: Client) -> None:
    query = """{
        formFactors { code thicknessMm nominalThicknessMm packages }
        simPackages { code multiCut formFactors { code } qualityGrade { code } }
        qualityGrades { code temperatureMinC vibration packages }
        complianceStandards { code version }
        simSoftwareFeatures { code value }
        simComplianceExport
        simPackageFits(environment: {mobile: true, temperatureMinC: -40}) { fits package { code } warnings { code } }
    }"""
    for caller in (client, world.operator(), world.client(world.demo, Role.OBSERVER)):
        data = (await caller.query(query)).data
        assert data["formFactors"][2] == {
            "code": "4FF", "thicknessMm": 0.75, "nominalThicknessMm": 0.67, "packages": ["TRIPLE_CUT"],
        }  # fmt: skip
        assert data["simPackages"][1] == {
            "code": "DUAL_CUT", "multiCut": True, "formFactors": [{"code": "2FF"}, {"code": "3FF"}],
            "qualityGrade": {"code": "COMMERCIAL"},
        }  # fmt: skip
        assert [grade["temperatureMinC"] for grade in data["qualityGrades"]] == [-25, -40, -40]
        assert {"code": "SGP.16", "version": "1.1"} in data["complianceStandards"]
        assert {"code": "MAX_PROFILES", "value": 10} in data["simSoftwareFeatures"]
        assert data["simComplianceExport"]["format"] == "motet-sim-compliance-1"
        assert [one["package"]["code"] for one in data["simPackageFits"] if one["fits"]] == [
            "INDUSTRIAL_2FF", "INDUSTRIAL_3FF", "MFF2",
        ]  # fmt: skip


async def test_sims_are_found_by_what_card_they_are(world: World, client: Client) -> None:
    sim = identity(70_000_100)._asdict()
    made = await mutate(client, "simRegister", "sim { id formFactor qualityGrade }", **sim, package="INDUSTRIAL_3FF")
    assert made["sim"].pop("id")
    assert made["sim"] == {"formFactor": "3FF", "qualityGrade": "INDUSTRIAL"}
    for condition, count in (
        ('formFactor: ["3FF"]', 1), ('formFactor: ["2FF", "MFF2"]', 0), ("formFactor: []", 0),
        ('qualityGrade: ["INDUSTRIAL"]', 1), ('package: ["INDUSTRIAL_3FF"]', 1), ('package: ["MFF2"]', 0),
        (f'batchId: "{encode_global_id("SimBatch", world.demo.batches[0])}"', 5),
        (f'batchId: "{encode_global_id("SimBatch", world.other.batches[0])}"', 0), ('batchId: "x"', 0),
        ('createdAfter: "2020-01-01T00:00:00Z"', 6), ('createdBefore: "2020-01-01T00:00:00Z"', 0),
        ('createdAfter: "2090-01-01T00:00:00Z"', 0), ('createdBefore: "2090-01-01T00:00:00Z"', 6),
    ):  # fmt: skip
        reply = await client.query(f"{{ sims(filter: {{{condition}}}) {{ totalCount }} }}")
        assert reply.data["sims"]["totalCount"] == count, condition
    for field in ("ICCID", "IMSI", "MSISDN"):
        reply = await client.query(f"{{ sims(orderBy: {{field: {field}}}) {{ nodes {{ {field.lower()} }} }} }}")
        values = [node[field.lower()] for node in reply.data["sims"]["nodes"]]
        assert values == sorted(values)
        assert len(values) == 6
