"""Errors in the caller's language: over GraphQL by each transport."""

from __future__ import annotations

from graphql_client import Client
from graphql_world import World
from test_people_mutations import person

from motet.domain.global_ids import encode_global_id

GONE = 'mutation { deviceDelete(input: {id: "x"}) { deletedId userErrors { code message path } } }'
TOO_MANY = "{ devices(first: 1000) { nodes { id } } }"
GERMAN = "Es gibt kein Objekt Device mit dieser ID."


async def message(client: Client, **headers: str) -> str:
    reply = await client.query(GONE, **headers)
    (error,) = reply.data["deviceDelete"]["userErrors"]
    assert (error["code"], error["path"]) == ("NOT_FOUND", ["input", "id"])
    return str(error["message"])


async def test_user_errors_are_told_in_the_language_that_the_request_accepts(client: Client) -> None:
    told = {
        accept: await message(client, **{"accept-language": accept})
        for accept in ("en", "de-AT", "es", "fr;q=0.5, tlh", "it", "ja", "zh-Hant", "tlh", "")
    }
    assert told == {
        "en": "There is no Device with this id.",
        "de-AT": GERMAN,
        "es": "No hay ningún objeto Device con este identificador.",
        "fr;q=0.5, tlh": "Il n'y a pas d'objet Device avec cet identifiant.",
        "it": "Non esiste un oggetto Device con questo ID.",
        "ja": "この ID の Device はありません。",
        "zh-Hant": "沒有此 ID 的 Device。",
        "tlh": "There is no Device with this id.",
        "": "There is no Device with this id.",
    }


async def test_an_answer_says_its_language_where_something_was_told(client: Client) -> None:
    told = await client.query(GONE, **{"accept-language": "de"})
    assert (told.headers["content-language"], told.headers["vary"]) == ("de", "Accept-Language")
    silent = await client.query("{ viewer { role } }", **{"accept-language": "de"})
    assert not {"content-language", "vary"} & set(silent.headers)


async def test_errors_of_a_request_are_told_in_its_language_with_the_same_code(client: Client) -> None:
    reply = await client.query(TOO_MANY, **{"accept-language": "fr"})
    assert [(one["message"], one["extensions"]) for one in reply.json["errors"]] == [
        ("`first` doit aller de 0 à 200.", {"code": "INVALID"})
    ]
    assert reply.headers["content-language"] == "fr"
    refused = await client.http("POST", headers={"content-type": "text/plain", "accept-language": "ja"}, body=b"{}")
    assert (refused.status, refused.json["errors"][0]["message"]) == (415, "application/json で送信してください。")
    nobody = await Client(client.app, None).query("{ __typename }", **{"accept-language": "it"})
    assert (nobody.status, nobody.json["errors"][0]["message"]) == (401, "È necessario un token bearer.")


async def test_what_graphql_itself_says_stays_english(client: Client) -> None:
    reply = await client.query("{ devices { nosuch } }", **{"accept-language": "de"})
    assert "Cannot query field" in reply.json["errors"][0]["message"]
    assert "content-language" not in reply.headers


async def test_the_users_choice_is_before_the_requests_and_holds_from_the_next_request_on(world: World) -> None:
    _, client, _ = await person(world, "sprache@demo.example")
    assert await message(client, **{"accept-language": "fr"}) == "Il n'y a pas d'objet Device avec cet identifiant."
    set_locale = 'mutation { viewerUpdate(input: {locale: "de"}) { userErrors { code } } }'
    assert (await client.query(set_locale)).data["viewerUpdate"]["userErrors"] == []
    told = await client.query(GONE, **{"accept-language": "fr"})
    assert told.data["deviceDelete"]["userErrors"][0]["message"] == GERMAN
    assert told.headers["content-language"] == "de"
    assert "vary" not in told.headers


async def test_who_has_chosen_none_and_asks_for_none_gets_the_organisations_language(world: World) -> None:
    _, client, _ = await person(world, "ohne@demo.example")
    set_locale = """mutation ($id: ID!, $locale: String) {
      organisationUpdate(input: {id: $id, locale: $locale}) { organisation { locale } userErrors { code path } } }"""
    home = await world.tenants.database.pool.fetchval(
        "SELECT organisation_id FROM workspace WHERE id = $1", world.demo.workspace_id
    )
    given = {"id": encode_global_id("Organisation", home), "locale": "es-MX"}
    changed = (await world.operator().query(set_locale, given)).data["organisationUpdate"]
    assert changed == {"organisation": {"locale": "es"}, "userErrors": []}
    unknown = (await world.operator().query(set_locale, given | {"locale": "tlh"})).data["organisationUpdate"]
    assert unknown["userErrors"] == [{"code": "INVALID", "path": ["input", "locale"]}]
    renamed = "mutation ($id: ID!) { organisationUpdate(input: {id: $id}) { organisation { locale } } }"
    same = (await world.operator().query(renamed, {"id": given["id"]})).data["organisationUpdate"]
    assert same == {"organisation": {"locale": "es"}}
    made = await client.query(
        'mutation { apiKeyCreate(input: {name: "k", role: ADMINISTRATOR}) { key userErrors { message } } }'
    )
    key = Client(client.app, made.data["apiKeyCreate"]["key"])
    for caller in (client, key):
        assert await message(caller) == "No hay ningún objeto Device con este identificador."
        assert await message(caller, **{"accept-language": "de"}) == GERMAN
    forgotten = (await world.operator().query(set_locale, given | {"locale": None})).data["organisationUpdate"]
    assert forgotten["organisation"] == {"locale": None}


async def test_sockets_and_event_streams_speak_the_language_of_their_request(client: Client) -> None:
    socket = client.socket()
    socket._scope["headers"].append((b"accept-language", b"de"))
    async with socket:
        await socket.init(client.token)
        assert (await socket.receive())["type"] == "connection_ack"
        await socket.send({"id": "1", "type": "subscribe", "payload": {"query": GONE}})
        payload = (await socket.receive())["payload"]
        assert payload["data"]["deviceDelete"]["userErrors"][0]["message"] == GERMAN
    async with client.stream(GONE, **{"accept-language": "de"}) as stream:
        _, answer = await stream.event()
        assert answer["data"]["deviceDelete"]["userErrors"][0]["message"] == GERMAN


async def test_the_audit_log_keeps_english(world: World, client: Client) -> None:
    await message(client, **{"accept-language": "de"})
    rows = await world.tenants.database.pool.fetch("SELECT row_to_json(a)::text AS text FROM audit_entry a")
    assert rows
    assert not any("Objekt" in row["text"] for row in rows)
