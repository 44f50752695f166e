"""Motet: a self-hosted platform for cellular IoT fleets, a GraphQL gateway with an SMS/SMPP hub."""

__version__ = "0.1.0"
