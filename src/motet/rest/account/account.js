// Signing in, and the ways there: invitation, forgotten password, second factor, passkey, single sign-on.

import * as api from "./api.js";
import * as passkeys from "./passkeys.js";
import { $, complain, element, notice, run, show } from "./page.js";
import { enter, leave, setLanguage } from "./settings.js";
import { LANGUAGES, begin, say, speak } from "./words.js";

const form = (name) => document.querySelector(`form[data-form="${name}"]`);

// The token of a mail's link; the address bar, and with it the history, forgets it at once.
let mailed = null;

// Where this tab keeps the token of an invitation while its owner signs in, at an identity provider perhaps.
const INVITATION = "motet_invitation";

// The sign-in that waits for its second factor: the server's answer.
let waiting = null;
let way = "code";

async function start() {
  const path = location.pathname.replace(/\/$/, "");
  const landed = new URLSearchParams(location.hash.slice(1));
  mailed = landed.get("token") || new URLSearchParams(location.search).get("token");
  history.replaceState(null, "", path || "/account");
  await begin();
  if (path.endsWith("/invitation") || path.endsWith("/reset")) {
    if (!mailed) {
      notice(say("This link is not whole: open it from the mail again."), "bad");
      return show("sign-in");
    }
    return path.endsWith("/reset") ? show("reset") : await welcome();
  }
  for (const button of document.querySelectorAll("[data-passkeys]")) button.hidden = !passkeys.possible();
  try {
    if (landed.has("sso_code")) return await land(landed.get("sso_code"), landed.get("next"));
    if (await api.refresh()) return await enter();
  } catch (error) {
    notice(error.message, "bad");
  }
  show("sign-in");
  if (landed.has("sso_error")) notice(refusal(landed.get("sso_error"), landed.get("sso_reference") || ""), "bad");
}

// What the invitation is about; who has an account already needs no second one.
async function welcome() {
  let about;
  try {
    about = await api.rest("POST", "/auth/invitation", { token: mailed });
  } catch (error) {
    notice(error.message, "bad");
    return show("sign-in");
  }
  if (about.sign_in && !(await api.refresh())) {
    sessionStorage.setItem(INVITATION, mailed);
    show("sign-in");
    form("sign-in").elements.email.value = about.email;
    return notice(say("You, {email}, were invited to the workspace {workspace}. Sign in to accept.", about));
  }
  show("invitation");
  $("invitation-about").textContent = about.account
    ? say("You, {email}, were invited to the workspace {workspace}. Your account will be good for it too.", about)
    : say("You, {email}, were invited to the workspace {workspace}. Say who you are and choose a password.", about);
  $("invitation-new").hidden = about.account;
  const { username, name } = form("invitation").elements;
  username.value = about.email;
  name.value = about.name || "";
}

// Signed in: to what one was invited before, if to anything, and to one's account.
async function arrive(joined = null) {
  const invited = sessionStorage.getItem(INVITATION);
  sessionStorage.removeItem(INVITATION);
  let wrong = null;
  if (invited !== null) {
    try {
      await api.rest("POST", "/auth/invitation/accept", { token: invited });
      joined = say("You have joined.");
    } catch (error) {
      wrong = error.message;
    }
  }
  await enter();
  if (wrong || joined) notice(wrong || joined, wrong ? "bad" : "");
}

const REFUSALS = {
  expired: () => say("That took too long, or came from another window. Start again."),
  unasked: () => say("This sign-in did not begin here, or took too long. Type your email address and press Single sign-on."),
  provider_failed: () => say("The identity provider could not be asked, or what it answered is not right. Try again, or ask your administrator."),
  provider_refused: () => say("The identity provider did not sign you in."),
  mail_not_verified: () => say("The identity provider has not verified your email address."),
  not_admitted: () => say("Your organisation does not admit this account. Ask your administrator."),
};

// The reference is what the administrator finds the reason by.
function refusal(code, reference) {
  const words = (Object.hasOwn(REFUSALS, code) ? REFUSALS[code] : REFUSALS.provider_failed)();
  return /^[0-9a-f]{16}$/.test(reference) ? say("{words} (Reference: {reference})", { words, reference }) : words;
}

// Back from the identity provider: its code becomes a session, and then on to where one wanted to go.
async function land(code, next) {
  api.take(await api.rest("POST", "/auth/sso/exchange", { code, cookie: true }));
  if (next && /^\/(?![/\\])[!-~]+$/.test(next) && !next.startsWith("/account")) return location.assign(next);
  await arrive();
}

// What the server said to a sign-in: signed in, or one more step.
async function go(answer) {
  if (answer.mfa_token) {
    waiting = answer;
    const ways = answer.methods || [];
    askFor(ways.includes("totp") ? "code" : ways.includes("passkey") && passkeys.possible() ? "passkey" : "recovery");
    return;
  }
  waiting = null;
  api.take(answer);
  history.replaceState(null, "", "/account");
  for (const each of document.querySelectorAll("form")) each.reset();
  await arrive();
}

const offered = () => {
  const ways = waiting.methods || [];
  return { code: ways.includes("totp"), passkey: ways.includes("passkey") && passkeys.possible(), recovery: ways.includes("recovery_code") };
};

function askFor(which) {
  way = which;
  show("second");
  for (const part of form("second").querySelectorAll("[data-way]")) {
    part.hidden = part.dataset.way !== which;
    for (const field of part.querySelectorAll("input")) field.value = "";
  }
  const ways = offered();
  document.querySelector("[data-do=second-code]").hidden = which === "code" || !ways.code;
  document.querySelector("[data-do=second-passkey]").hidden = which === "passkey" || !ways.passkey;
  document.querySelector("[data-do=second-recovery]").hidden = which === "recovery" || !ways.recovery;
  const field = form("second").querySelector(`[data-way="${which}"] input`);
  if (field) field.focus();
}

async function answerSecond() {
  const given = form("second");
  const body = { mfa_token: waiting.mfa_token, cookie: true, remember_device: given.elements.remember.checked };
  if (way === "code") body.code = given.elements.code.value.replace(/\s/g, "");
  if (way === "recovery") body.recovery_code = given.elements.recovery.value.trim();
  if (way === "passkey") {
    const asked = await api.rest("POST", "/auth/passkey/options", { mfa_token: waiting.mfa_token });
    body.passkey = { state: asked.state, credential: await withPasskey(() => passkeys.get(asked.options)) };
  }
  try {
    await go(await api.rest("POST", "/auth/mfa", body));
  } catch (error) {
    if (error.code !== "UNAUTHENTICATED") throw error;
    notice(error.message, "bad");
    show("sign-in");
  }
}

async function withPasskey(work) {
  try {
    return await work();
  } catch (error) {
    throw new api.ApiError("PASSKEY", passkeys.reason(error) || error.message);
  }
}

function twice(given) {
  if (given.elements.password.value === given.elements.again.value) return true;
  complain(given, say("The two passwords differ."), "again");
  return false;
}

const FORMS = {
  async "sign-in"(given) {
    const { email, password } = given.elements;
    if (!email.value.trim()) return complain(given, say("Give your email address."), "email");
    if (!password.value) return complain(given, say("Give your password."), "password");
    await go(await api.rest("POST", "/auth/login", { email: email.value.trim(), password: password.value, cookie: true }));
  },
  async second(given) {
    const field = given.querySelector(`[data-way="${way}"] input`);
    if (field && !field.value.trim()) return complain(given, say("Type the code."), field.name);
    await answerSecond();
  },
  async forgot(given) {
    const email = given.elements.email.value.trim();
    if (!email) return complain(given, say("Give your email address."), "email");
    await api.rest("POST", "/auth/password/forgot", { email });
    show("sign-in");
    notice(say("If there is an account with this address, a mail is on its way to it."));
  },
  async reset(given) {
    if (!twice(given)) return;
    await api.rest("POST", "/auth/password/reset", { token: mailed, password: given.elements.password.value });
    done(given, say("Your new password is set. Sign in with it."));
  },
  async invitation(given) {
    const { name, password } = given.elements;
    const body = { token: mailed, cookie: true };
    if (!$("invitation-new").hidden) {
      if (!name.value.trim()) return complain(given, say("Say who you are."), "name");
      if (!twice(given)) return;
      Object.assign(body, { password: password.value, name: name.value.trim() });
    }
    const answer = await api.rest("POST", "/auth/invitation/accept", body);
    if (answer.joined && !api.signedIn()) return done(given, say("You have joined. Sign in to go there."));
    mailed = null;
    if (answer.joined) {
      history.replaceState(null, "", "/account");
      return await arrive(say("You have joined."));
    }
    await go(answer);
  },
};

function done(given, words) {
  given.reset();
  mailed = null;
  history.replaceState(null, "", "/account");
  show("sign-in");
  notice(words);
}

const DEEDS = {
  async "passkey-sign-in"() {
    const asked = await api.rest("POST", "/auth/passkey/options", {});
    const credential = await withPasskey(() => passkeys.get(asked.options));
    await go(await api.rest("POST", "/auth/passkey/verify", { state: asked.state, credential, cookie: true }));
  },
  async "single-sign-on"() {
    const given = form("sign-in");
    const email = given.elements.email.value.trim();
    if (!email) return complain(given, say("Give your email address: it says which provider is yours."), "email");
    const { provider } = await api.rest("GET", `/auth/sso/discover?email=${encodeURIComponent(email)}`);
    if (!provider) return complain(given, say("There is no single sign-on for this address."), "email");
    location.assign(`${provider.start}?next=/account&login_hint=${encodeURIComponent(email)}`);
  },
  async "show-forgot"() {
    const email = form("sign-in").elements.email.value;
    show("forgot");
    form("forgot").elements.email.value = email;
  },
  async "show-sign-in"() {
    waiting = null;
    show("sign-in");
  },
  async "second-code"() { askFor("code"); },
  async "second-recovery"() { askFor("recovery"); },
  async "second-passkey"() {
    askFor("passkey");
    await answerSecond();
  },
  async "sign-out"() {
    const elsewhere = await api.signOut();
    leave();
    if (elsewhere) location.assign(elsewhere);
    notice(say("You are signed out."));
  },
};

document.addEventListener("submit", (event) => {
  const given = event.target;
  const work = FORMS[given.dataset.form];
  if (!work) return;
  event.preventDefault();
  run(given, () => work(given), event.submitter);
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  const work = button && DEEDS[button.dataset.do];
  if (!work) return;
  const view = button.closest("section");
  run((view && view.querySelector("form[data-form]")) || document.body, work, button);
});

const chooser = $("language");
chooser.append(...Object.entries(LANGUAGES).map(([locale, name]) => element("option", name, { value: locale, lang: locale })));
chooser.addEventListener("change", () => run(document.body, async () => {
  await speak(chooser.value, { chosen: true });
  if (api.signedIn()) await setLanguage(chooser.value);
}));

start();
