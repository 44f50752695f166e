// Speaks to the server. The access token is in this module's memory alone; the refresh token is a cookie that no script
// sees.

import { language, say } from "./words.js";

let accessToken = null;
let expiresAt = 0;

export class ApiError extends Error {
  constructor(code, message, path) {
    super(message);
    this.code = code;
    this.path = path || [];
  }
}

export const signedIn = () => accessToken !== null;

export function take(signed) {
  accessToken = signed.access_token;
  expiresAt = Date.now() + (signed.expires_in - 30) * 1000;
}

export function forget() {
  accessToken = null;
}

// A request to the REST part. Gives the answer's JSON, or raises ApiError.
export async function rest(method, path, body) {
  const headers = { accept: "application/json", "accept-language": language() };
  if (body !== undefined) headers["content-type"] = "application/json";
  if (accessToken !== null) headers.authorization = `Bearer ${accessToken}`;
  let response;
  try {
    response = await fetch(path, {
      method, headers, credentials: "same-origin", cache: "no-store",
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new ApiError("NETWORK", say("The server cannot be reached. Try again in a moment."));
  }
  const text = await response.text();
  let answer = {};
  try {
    answer = text ? JSON.parse(text) : {};
  } catch {
    throw new ApiError("INTERNAL", say("The server gave no proper answer."));
  }
  if (response.ok) return answer;
  const error = answer.error || {};
  throw new ApiError(error.code || String(response.status), error.message || say("Something went wrong on our side."), error.path);
}

// A new access token by the cookie; false if there is no session to go on with.
export async function refresh() {
  try {
    take(await rest("POST", "/auth/refresh", {}));
    return true;
  } catch (error) {
    if (error.code === "NETWORK") throw error;
    forget();
    return false;
  }
}

// Ends the session; whatever the server says, this page knows nothing of it any more. Gives where the one at the
// identity provider is ended, or null.
export async function signOut() {
  let ended = null;
  try {
    if (Date.now() > expiresAt) await refresh();
    if (accessToken !== null) ended = await rest("POST", "/auth/sso/logout", {});
  } catch (error) {
    if (error.code === "NETWORK") throw error;
  }
  forget();
  return ended && ended.redirect;
}

// A GraphQL operation. Gives `data`, or raises ApiError for the first error, those of a payload's userErrors too.
export async function graphql(query, variables) {
  if (Date.now() > expiresAt && !(await refresh())) throw new ApiError("UNAUTHENTICATED", say("You were signed out."));
  const answer = await rest("POST", "/graphql", { query, variables: variables || {} }).catch((error) => {
    if (error.code === "401") throw new ApiError("UNAUTHENTICATED", say("You were signed out."));
    throw error;
  });
  if (answer.errors && answer.errors.length) {
    const [first] = answer.errors;
    throw new ApiError((first.extensions || {}).code, first.message, first.path);
  }
  for (const payload of Object.values(answer.data)) {
    const [first] = (payload && payload.userErrors) || [];
    if (first) throw new ApiError(first.code, first.message, (first.path || []).slice(1));
  }
  return answer.data;
}
