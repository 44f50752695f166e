"""Queries over HTTP: what comes back, for whom."""

from __future__ import annotations

from graphql_client import Client
from graphql_world import World

from motet.domain.global_ids import encode_global_id


async def test_a_device_with_its_sim_and_messages(world: World, client: Client) -> None:
    reply = await client.query(
        """query ($id: ID!) {
             device(id: $id) {
               __typename id name status tags imei imeiLock ipAddress createdAt
               sim { iccid imsi msisdn status device { name } }
               smsMessages(first: 1) {
                 totalCount totalCountIsEstimate
                 pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
                 edges { cursor node { id direction status from to text device { id } } }
               }
             }
           }""",
        {"id": encode_global_id("Device", world.demo.devices[2])},
    )
    device = reply.data["device"]
    messages = device.pop("smsMessages")
    assert device.pop("createdAt").endswith("Z")
    assert device == {
        "__typename": "Device",
        "id": encode_global_id("Device", world.demo.devices[2]),
        "name": "demo 2",
        "status": "ENABLED",
        "tags": [],
        "imei": None,
        "imeiLock": False,
        "ipAddress": "10.0.0.1",
        "sim": {
            "iccid": "8999900000000000003",
            "imsi": "001010000000003",
            "msisdn": "99900000003",
            "status": "ACTIVATED",
            "device": {"name": "demo 2"},
        },
    }
    cursor = messages["edges"][0]["cursor"]
    assert messages == {
        "totalCount": 2,
        "totalCountIsEstimate": False,
        "pageInfo": {"hasNextPage": True, "hasPreviousPage": False, "startCursor": cursor, "endCursor": cursor},
        "edges": [
            {
                "cursor": cursor,
                "node": {
                    "id": encode_global_id("SmsMessage", world.demo.messages[5]),
                    "direction": "MO",
                    "status": "RECEIVED",
                    "from": "12345",
                    "to": "99900000001",
                    "text": "hello",
                    "device": {"id": encode_global_id("Device", world.demo.devices[2])},
                },
            }
        ],
    }
