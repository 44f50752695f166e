"""What a workspace does with its webhooks: make, change, remove, test, replay."""

import secrets
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from motet.access.secrets import SecretBox
from motet.domain.errors import ConflictError, DeniedError, InvalidError, NotFoundError
from motet.domain.global_ids import encode_global_id
from motet.domain.ids import IdGenerator
from motet.domain.states import WebhookStatus
from motet.outgoing.resolving import Resolver
from motet.outgoing.targets import TargetPolicy
from motet.storage import webhook, webhook_delivery
from motet.storage.database import Database, PooledConnection
from motet.storage.transaction import transaction
from motet.webhooks.event_types import TEST_EVENT_TYPE, check_event_types
from motet.webhooks.outbox import WebhookOutbox, event_body
from motet.webhooks.roster import MAX_WEBHOOKS, Roster
from motet.webhooks.signing import SECRET_OCTETS, spell_secret

MAX_DESCRIPTION_CHARACTERS = 1_000
REPLAY_LIMIT = 1_000
"""Dead deliveries made due again by one call: what the dispatcher sends in seconds."""


class WebhookService:
    """The webhooks of all workspaces, each call scoped to one. Errors are domain errors; paths name input fields."""

    def __init__(
        self,
        database: Database,
        secret_box: SecretBox,
        roster: Roster,
        outbox: WebhookOutbox,
        resolver: Resolver,
        policy: TargetPolicy,
        ids: IdGenerator,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._secret_box = secret_box
        self._roster = roster
        self._outbox = outbox
        self._resolver = resolver
        self._policy = policy
        self._ids = ids
        self._clock = clock

    async def create(
        self, workspace_id: int, *, url: str, event_types: Sequence[str], description: str | None = None
    ) -> tuple[int, str]:
        """Add a webhook: its id and its secret (`whsec_…`), which is shown this once.

        Raises InvalidError for the URL, the types or the description, LimitReachedError at `MAX_WEBHOOKS`.
        """
        types = check_event_types(event_types)
        text = _check_description(description or "")
        await self._resolver.check(url, self._policy)
        key = secrets.token_bytes(SECRET_OCTETS)
        webhook_id = self._ids.next(int(self._clock() * 1_000))
        async with transaction(self._database, makes=webhook_id) as connection:
            await webhook.insert(
                connection,
                workspace_id,
                webhook_id,
                url=url,
                event_types=types,
                description=text,
                secret_encrypted=self._secret_box.encrypt(key),
                limit=MAX_WEBHOOKS,
            )
        await self._roster.read()
        return webhook_id, spell_secret(key)

    async def update(
        self,
        workspace_id: int,
        webhook_id: int,
        *,
        url: str | None = None,
        event_types: Sequence[str] | None = None,
        description: str | None = None,
        enabled: bool | None = None,
    ) -> None:
        """Change what is not None. Disabling makes pending deliveries dead; enabling clears `disabled_reason`.

        Raises NotFoundError (path `id`), and InvalidError as `create` does.
        """
        types = None if event_types is None else check_event_types(event_types)
        text = None if description is None else _check_description(description)
        if url is not None:
            await self._resolver.check(url, self._policy)
        status = None if enabled is None else WebhookStatus.ENABLED if enabled else WebhookStatus.DISABLED
        async with transaction(self._database) as connection:
            found = await webhook.update(
                connection, workspace_id, webhook_id, url=url, event_types=types, description=text, status=status
            )
            if not found:
                raise _not_found()
        await self._changed()

    async def delete(self, workspace_id: int, webhook_id: int) -> None:
        """Remove a webhook; what is pending for it is dropped. Raises NotFoundError (path `id`)."""
        async with transaction(self._database) as connection:
            found = await webhook.delete(connection, workspace_id, webhook_id)
            if not found:
                raise _not_found()
        await self._changed()

    async def test(self, workspace_id: int, webhook_id: int) -> int:
        """Send a `webhook.test` event to this webhook, whatever types it takes; the delivery's id.

        Raises NotFoundError (path `id`), DeniedError for a disabled webhook.
        """
        now = self._clock()
        delivery_id = self._ids.next(int(now * 1_000))
        data = {"webhook": {"id": encode_global_id("Webhook", webhook_id)}}
        async with transaction(self._database) as connection:
            await self._must_be_enabled(connection, workspace_id, webhook_id)
            await webhook_delivery.insert(
                connection,
                workspace_id,
                delivery_id,
                webhook_id=webhook_id,
                event_type=TEST_EVENT_TYPE,
                body=event_body(TEST_EVENT_TYPE, int(now * 1_000_000), data),
                created_at=datetime.fromtimestamp(now, UTC),
            )
        self._outbox.wake()
        return delivery_id

    async def replay(self, workspace_id: int, webhook_id: int, *, delivery_id: int | None = None) -> int:
        """Make dead deliveries due again, the oldest `REPLAY_LIMIT` or the one named; how many these are.

        Raises NotFoundError (path `id` or `delivery_id`), DeniedError for a disabled webhook, ConflictError for a named
        delivery that is not dead.
        """
        now = datetime.fromtimestamp(self._clock(), UTC)
        async with transaction(self._database) as connection:
            await self._must_be_enabled(connection, workspace_id, webhook_id)
            if delivery_id is None:
                replayed = await webhook_delivery.replay_dead(connection, workspace_id, webhook_id, now, REPLAY_LIMIT)
            elif await webhook_delivery.replay_one(connection, workspace_id, webhook_id, delivery_id, now):
                replayed = 1
            else:
                found = await webhook_delivery.find(connection, workspace_id, delivery_id)
                if found is None or found["webhook_id"] != webhook_id:
                    raise NotFoundError("No such delivery.", path=("delivery_id",))
                raise ConflictError("Only a dead delivery can be replayed.", path=("delivery_id",))
        self._outbox.wake()
        return replayed

    async def _must_be_enabled(self, connection: PooledConnection, workspace_id: int, webhook_id: int) -> None:
        status = await webhook.status_of(connection, workspace_id, webhook_id)
        if status is None:
            raise _not_found()
        if status != WebhookStatus.ENABLED:
            raise DeniedError("The webhook is disabled.", path=("id",))

    async def _changed(self) -> None:
        await self._roster.read()
        self._outbox.wake()


def _check_description(description: str) -> str:
    if len(description) > MAX_DESCRIPTION_CHARACTERS:
        raise InvalidError(
            "A description has at most {most} characters.", path=("description",), most=MAX_DESCRIPTION_CHARACTERS
        )
    if any(character == "\0" or "\ud800" <= character <= "\udfff" for character in description):
        raise InvalidError("A description holds no NUL and no half of a surrogate pair.", path=("description",))
    return description


def _not_found() -> NotFoundError:
    return NotFoundError("No such webhook.", path=("id",))
