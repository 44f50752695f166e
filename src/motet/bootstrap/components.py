"""What a node consists of, in starting order."""

from motet.bootstrap.audit import audit
from motet.bootstrap.cards import cards
from motet.bootstrap.events import events
from motet.bootstrap.graphql import graphql
from motet.bootstrap.http import http
from motet.bootstrap.identity import identity
from motet.bootstrap.jobs import jobs
from motet.bootstrap.mail import mail
from motet.bootstrap.messaging import messaging
from motet.bootstrap.metering import metering
from motet.bootstrap.network import network
from motet.bootstrap.node import Component, partitions
from motet.bootstrap.signing import signing
from motet.bootstrap.sims import sims

COMPONENTS: tuple[Component, ...] = (
    partitions,
    signing,
    messaging,
    mail,
    identity,
    audit,
    metering,
    network,
    events,
    jobs,
    cards,
    sims,
    graphql,
    http,
)
"""HTTP comes last: it is ready when everything behind it is."""
