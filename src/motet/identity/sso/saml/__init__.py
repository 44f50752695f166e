"""SAML 2.0 as the service provider: Web Browser SSO, requests by HTTP-Redirect, responses by HTTP-POST."""
