// WebAuthn: what the server sends as JSON becomes what the browser takes, and back.

import { say } from "./words.js";

const octets = (text) => {
  const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(plain, (character) => character.charCodeAt(0));
};

const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

const descriptors = (list) => (list || []).map((each) => ({ ...each, id: octets(each.id) }));

// Browsers make passkeys in a secure context only, and for names, not for addresses.
export const possible = () =>
  window.isSecureContext && "credentials" in navigator && "PublicKeyCredential" in window &&
  !/^[\d.]+$|^\[/.test(location.hostname);

export async function create(options) {
  const made = await navigator.credentials.create({
    publicKey: {
      ...options,
      challenge: octets(options.challenge),
      user: { ...options.user, id: octets(options.user.id) },
      excludeCredentials: descriptors(options.excludeCredentials),
    },
  });
  return {
    id: made.id, rawId: text(made.rawId), type: made.type,
    response: {
      clientDataJSON: text(made.response.clientDataJSON),
      attestationObject: text(made.response.attestationObject),
      transports: made.response.getTransports ? made.response.getTransports() : [],
    },
    authenticatorAttachment: made.authenticatorAttachment,
    clientExtensionResults: {},
  };
}

export async function get(options) {
  const found = await navigator.credentials.get({
    publicKey: {
      ...options, challenge: octets(options.challenge), allowCredentials: descriptors(options.allowCredentials),
    },
  });
  return {
    id: found.id, rawId: text(found.rawId), type: found.type,
    response: {
      clientDataJSON: text(found.response.clientDataJSON),
      authenticatorData: text(found.response.authenticatorData),
      signature: text(found.response.signature),
      userHandle: found.response.userHandle ? text(found.response.userHandle) : null,
    },
    authenticatorAttachment: found.authenticatorAttachment,
    clientExtensionResults: {},
  };
}

// What a refusal of the browser's means to a person.
export function reason(error) {
  if (error.name === "NotAllowedError" || error.name === "AbortError") return say("No passkey was used: it was cancelled, or took too long.");
  if (error.name === "InvalidStateError") return say("This device has a passkey for this account already.");
  if (error.name === "SecurityError") return say("This browser takes no passkeys at this address.");
  return null;
}
