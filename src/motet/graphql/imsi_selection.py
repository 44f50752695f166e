"""Selections of IMSIs in the shape that was asked for."""

from __future__ import annotations

from typing import Any

from strawberry.types import Info

from motet.domain.errors import InvalidError
from motet.domain.global_ids import decode_global_id, encode_global_id
from motet.domain.imsi_selection import Factor, Ranked
from motet.graphql.fields import context_of, raw
from motet.graphql.selection import selection_of
from motet.reading.errors import InvalidRequestError, RequestError
from motet.reading.plan import Failure
from motet.reading.reader import READ_ERRORS, Answer
from motet.reading.selection import Selected


async def select_imsi(info: Info) -> Any:
    """The answer of `imsiSelection`: an Answer of null for a SIM that is not the workspace's."""
    context = context_of(info)
    selected = selection_of(raw(info))
    keys = {name: value for name, value in selected.arguments.items() if value is not None}
    decoded = decode_global_id(keys["simId"])
    if decoded is None or decoded[0] != "Sim":
        return Answer(None)
    try:
        found = await context.services.imsis.ask(
            context.workspace_id,
            decoded[1],
            country=keys.get("country"),
            rat=keys.get("rat"),
            outages=keys.get("outages", ()),
        )
    except InvalidError as error:
        raise InvalidRequestError(
            "`{field}`: {message}", field=".".join(map(str, error.path)), message=error.message
        ) from error
    if found is None:
        return Answer(None)
    plain = {
        "country": found.country,
        "outages": list(found.outages),
        "explanation": found.selection.words,
        "__typename": "ImsiSelection",
    }
    values: dict[str, Any] = {}
    failures: list[Failure] = []
    for child in selected.children:
        if child.name == "candidates":
            values[child.key] = [_candidate(child, one) for one in found.selection.ranked]
        elif child.name == "winner":
            values[child.key] = None
            if found.selection.winner is None:
                continue
            try:
                answer = await context.services.reader.by_id(
                    context.principal, "Imsi", child.children, found.selection.winner.id
                )
            except (RequestError, *READ_ERRORS) as error:
                failures.append(Failure((child.key,), error))
            else:
                values[child.key] = answer.value
                failures += [Failure((child.key, *failure.path), failure.error) for failure in answer.failures]
        else:
            values[child.key] = plain[child.name]
    return Answer(values, failures)


def _candidate(selected: Selected, ranked: Ranked) -> dict[str, Any]:
    one = ranked.candidate
    plain = {
        "imsiId": encode_global_id("Imsi", one.id),
        "imsi": one.imsi,
        "active": one.is_active,
        "rank": ranked.rank,
        "score": ranked.score,
        "__typename": "ImsiCandidate",
    }
    return {
        child.key: [_factor(child, each) for each in ranked.factors] if child.name == "factors" else plain[child.name]
        for child in selected.children
    }


def _factor(selected: Selected, factor: Factor) -> dict[str, Any]:
    plain = {
        "name": factor.name.value,
        "isHard": factor.is_hard,
        "met": factor.met,
        "points": factor.points,
        "explanation": factor.words,
        "__typename": "ImsiFactor",
    }
    return {child.key: plain[child.name] for child in selected.children}
