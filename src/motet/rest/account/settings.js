// The account of who is signed in: second factors, passkeys, password, sessions, trusted devices.

import * as api from "./api.js";
import * as passkeys from "./passkeys.js";
import { $, ask, complain, day, element, moment, notice, program, run, show } from "./page.js";
import { language, say, speak } from "./words.js";

const VIEWER = `{ viewer {
  subject workspace { name } role roleName
  user { email name locale hasPassword sessions { id methods address userAgent createdAt lastUsedAt current } }
  mustEnrolSecondFactor totp { status createdAt } recoveryCodesLeft
  passkeys { id name createdAt lastUsedAt backedUp }
  trustedDevices { id userAgent address createdAt lastUsedAt expiresAt }
} }`;

const PROBLEMS = "userErrors { code message path }";

let codes = [];

// Shows the account of who has just come in.
export async function enter() {
  await draw();
  show("account");
}

// What is written and answered to this user from now on.
export async function setLanguage(locale) {
  await api.graphql(`mutation ($input: ViewerUpdateInput!) { viewerUpdate(input: $input) { ${PROBLEMS} } }`, { input: { locale } });
  await draw();
}

export function leave() {
  api.forget();
  codes = [];
  $("who").hidden = true;
  for (const id of ["totp-setup", "recovery-shown"]) $(id).hidden = true;
  $("totp-qr").removeAttribute("src");
  $("totp-secret").textContent = "";
  $("recovery-list").replaceChildren();
  show("sign-in");
}

const ROLES = {
  SUPER_ADMIN: () => say("super administrator"), ADMINISTRATOR: () => say("administrator"), USER: () => say("user"),
  OBSERVER: () => say("observer"),
};

async function draw() {
  const { viewer } = await api.graphql(VIEWER);
  if (viewer.user.locale && viewer.user.locale !== language()) await speak(viewer.user.locale);
  $("who").hidden = false;
  const role = viewer.roleName || (Object.hasOwn(ROLES, viewer.role || "") ? ROLES[viewer.role]() : "");
  $("account-about").textContent = viewer.workspace ? say("In the workspace {workspace}, as {role}.", { workspace: viewer.workspace.name, role }) : say("Above the workspaces, as operator.");
  $("must-enrol").hidden = !viewer.mustEnrolSecondFactor;
  drawTotp(viewer);
  drawRecovery(viewer);
  list($("passkeys-list"), viewer.passkeys, say("No passkeys yet."), (one) => ({
    title: one.name,
    about: [say("added {day}", { day: day(one.createdAt) }), one.lastUsedAt ? say("used {moment}", { moment: moment(one.lastUsedAt) }) : say("not used yet"), one.backedUp ? say("synchronised") : say("on one device")],
    buttons: [[say("Rename"), () => renamePasskey(one)], [say("Delete"), () => deletePasskey(one), true]],
  }));
  $("passkeys-none").hidden = passkeys.possible();
  drawUser(viewer.user);
  list($("devices-list"), viewer.trustedDevices, say("No trusted devices."), (one) => ({
    title: program(one.userAgent),
    about: [one.address, say("until {day}", { day: day(one.expiresAt) }), say("used {moment}", { moment: moment(one.lastUsedAt) })],
    buttons: [[say("Trust no more"), () => forgetDevice(one), true]],
  }));
}

const SHOWN = {
  pwd: () => say("password"), otp: () => say("app"), swk: () => say("passkey"), rec: () => say("recovery code"),
  device: () => say("trusted device"), fed: () => say("single sign-on"),
};

function drawUser(user) {
  $("who-name").textContent = user.name || user.email;
  $("password-panel").hidden = !user.hasPassword;
  document.querySelector("[data-form=password] [name=username]").value = user.email;
  list($("sessions-list"), user.sessions, say("None."), (one) => ({
    title: program(one.userAgent) + (one.current ? say(": here") : ""),
    about: [one.address, one.methods.map((each) => SHOWN[each] && SHOWN[each]()).filter(Boolean).join(" + "), say("since {moment}", { moment: moment(one.createdAt) }), say("used {moment}", { moment: moment(one.lastUsedAt) })],
    buttons: one.current ? [] : [[say("Sign out there"), () => endSession(one), true]],
  }));
  $("sessions-end").hidden = user.sessions.length < 2;
}

function drawTotp(viewer) {
  const on = viewer.totp !== null && viewer.totp.status === "ACTIVE";
  badge($("totp-badge"), on ? say("On") : say("Off"), on ? "on" : "");
  $("totp-since").hidden = !on;
  if (on) $("totp-since").textContent = say("Since {day}.", { day: day(viewer.totp.createdAt) });
  $("totp-enroll").textContent = on ? say("Change to another app") : say("Set up");
  $("totp-enroll").hidden = !$("totp-setup").hidden;
  $("totp-delete").hidden = !on || !$("totp-setup").hidden;
}

function drawRecovery(viewer) {
  const some = viewer.passkeys.length > 0 || (viewer.totp !== null && viewer.totp.status === "ACTIVE");
  const left = viewer.recoveryCodesLeft;
  badge($("recovery-badge"), some ? say("{left} left", { left }) : say("None needed yet"), some && left < 3 ? "low" : "");
  $("recovery-regenerate").hidden = !some || !$("recovery-shown").hidden;
}

function badge(box, text, kind) {
  box.textContent = text;
  box.className = `badge ${kind}`;
}

function list(box, things, empty, describe) {
  const rows = things.map((thing) => {
    const { title, about, buttons } = describe(thing);
    const row = element("li");
    const words = element("div");
    words.append(element("strong", title), element("div", about.filter(Boolean).join(" · "), { class: "small muted" }));
    row.append(words);
    for (const [label, work, danger] of buttons) {
      const button = element("button", label, { type: "button", "aria-label": `${label}: ${title}` });
      if (danger) button.className = "danger";
      button.addEventListener("click", () => run(box.closest("section"), work, button));
      row.append(button);
    }
    return row;
  });
  box.replaceChildren(...(rows.length ? rows : [element("li", empty, { class: "empty" })]));
}

// Does what may need the password: asks for it where the sign-in is no longer fresh. Null if it was cancelled.
async function proved(work) {
  let password = null;
  let about = say("You signed in a while ago. Your password shows that it is still you.");
  for (;;) {
    try {
      return await work(password);
    } catch (error) {
      if (error.code !== "DENIED" || error.path.at(-1) !== "password") throw error;
      if (password !== null) about = error.message;
      password = await ask({ title: say("Is it you?"), about, label: say("Password"), type: "password", autocomplete: "current-password" });
      if (password === null) return null;
    }
  }
}

function showCodes(fresh) {
  codes = fresh || [];
  if (!codes.length) return;
  $("recovery-list").replaceChildren(...codes.map((code) => element("li", code)));
  $("recovery-shown").hidden = false;
  $("recovery-regenerate").hidden = true;
  $("recovery-shown-title").focus();
}

async function renamePasskey({ id, name }) {
  const given = await ask({ title: say("Rename the passkey"), label: say("Name"), value: name, yes: say("Rename") });
  if (given === null) return;
  await api.graphql(`mutation ($input: PasskeyUpdateInput!) { passkeyUpdate(input: $input) { ${PROBLEMS} } }`, { input: { id, name: given } });
  await draw();
}

async function deletePasskey({ id, name }) {
  const sure = await ask({ title: say("Delete “{name}”?", { name }), about: say("It signs you in no more. Your device may still show it until you remove it there."), yes: say("Delete"), danger: true });
  if (!sure) return;
  const gone = await proved((password) =>
    api.graphql(`mutation ($input: PasskeyDeleteInput!) { passkeyDelete(input: $input) { deletedId ${PROBLEMS} } }`, { input: { id, password } }));
  if (gone) await draw();
}

async function forgetDevice({ id }) {
  await api.graphql(`mutation ($input: TrustedDeviceDeleteInput!) { trustedDeviceDelete(input: $input) { deletedId ${PROBLEMS} } }`, { input: { id } });
  await draw();
}

async function endSession({ id }) {
  await api.graphql(`mutation ($input: SessionEndInput!) { sessionEnd(input: $input) { deletedId ${PROBLEMS} } }`, { input: { id } });
  await draw();
}

const DEEDS = {
  async "sessions-end"() {
    await api.graphql(`mutation { sessionEndAll(input: { butThis: true }) { ${PROBLEMS} } }`);
    await draw();
    notice(say("You are signed out everywhere else."));
  },
  async "totp-enroll"() {
    const made = await proved((password) =>
      api.graphql(`mutation ($input: TotpEnrollInput!) { totpEnroll(input: $input) { secret otpauthUri qrCode ${PROBLEMS} } }`, { input: { password } }));
    if (made === null) return;
    $("totp-qr").src = made.totpEnroll.qrCode;
    $("totp-secret").textContent = made.totpEnroll.secret;
    $("totp-setup").hidden = false;
    $("totp-setup").reset();
    $("totp-enroll").hidden = $("totp-delete").hidden = true;
    $("totp-setup-title").focus();
  },
  async "totp-cancel"() {
    closeSetup();
    await draw();
  },
  async "totp-delete"() {
    const sure = await ask({ title: say("Remove the authenticator app?"), about: say("You are no longer asked for its codes."), yes: say("Remove"), danger: true });
    if (!sure) return;
    const gone = await proved((password) =>
      api.graphql(`mutation ($input: TotpDeleteInput!) { totpDelete(input: $input) { ${PROBLEMS} } }`, { input: { password } }));
    if (gone) await draw();
  },
  async "recovery-regenerate"() {
    const made = await proved((password) =>
      api.graphql(`mutation ($input: RecoveryCodesRegenerateInput!) { recoveryCodesRegenerate(input: $input) { recoveryCodes ${PROBLEMS} } }`, { input: { password } }));
    if (made === null) return;
    await draw();
    showCodes(made.recoveryCodesRegenerate.recoveryCodes);
  },
  async "recovery-copy"() {
    await navigator.clipboard.writeText(codes.join("\n"));
    notice(say("The codes are copied."));
  },
  async "recovery-download"() {
    const link = element("a", null, { download: "motet-recovery-codes.txt" });
    link.href = URL.createObjectURL(new Blob([`${say("Motet recovery codes, {host}", { host: location.host })}\n\n${codes.join("\n")}\n`], { type: "text/plain" }));
    link.click();
    URL.revokeObjectURL(link.href);
  },
  async "recovery-done"() {
    codes = [];
    $("recovery-list").replaceChildren();
    $("recovery-shown").hidden = true;
    await draw();
    $("recovery-title").focus();
  },
  async "passkey-register"() {
    const asked = await proved((password) =>
      api.graphql(`mutation ($input: PasskeyRegisterBeginInput!) { passkeyRegisterBegin(input: $input) { state options ${PROBLEMS} } }`, { input: { password } }));
    if (asked === null) return;
    let credential;
    try {
      credential = await passkeys.create(asked.passkeyRegisterBegin.options);
    } catch (error) {
      throw new api.ApiError("PASSKEY", passkeys.reason(error) || error.message);
    }
    const made = await api.graphql(
      `mutation ($input: PasskeyRegisterInput!) { passkeyRegister(input: $input) { recoveryCodes ${PROBLEMS} } }`,
      { input: { state: asked.passkeyRegisterBegin.state, credential, name: program(navigator.userAgent) } });
    await draw();
    notice(say("The passkey is added."));
    showCodes(made.passkeyRegister.recoveryCodes);
  },
};

const FORMS = {
  async password(given) {
    const { old, password, again } = given.elements;
    if (!old.value) return complain(given, say("Give your present password."), "old");
    if (password.value !== again.value) return complain(given, say("The two passwords differ."), "again");
    try {
      await api.graphql(`mutation ($input: PasswordChangeInput!) { passwordChange(input: $input) { ${PROBLEMS} } }`,
        { input: { oldPassword: old.value, newPassword: password.value } });
    } catch (error) {
      error.path = [{ oldPassword: "old", newPassword: "password" }[(error.path || []).at(-1)]];
      throw error;
    }
    given.reset();
    await draw();
    notice(say("Your password is changed."));
  },
  async "totp-confirm"(given) {
    const code = given.elements.code.value.replace(/\s/g, "");
    if (!code) return complain(given, say("Type the code that the app shows."), "code");
    const made = await api.graphql(
      `mutation ($input: TotpConfirmInput!) { totpConfirm(input: $input) { recoveryCodes ${PROBLEMS} } }`, { input: { code } });
    closeSetup();
    await draw();
    notice(say("The authenticator app is on."));
    showCodes(made.totpConfirm.recoveryCodes);
  },
};

function closeSetup() {
  $("totp-setup").hidden = true;
  $("totp-setup").reset();
  $("totp-qr").removeAttribute("src");
  $("totp-secret").textContent = "";
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  const work = button && DEEDS[button.dataset.do];
  if (work) run(button.closest("section"), work, button);
});

document.addEventListener("submit", (event) => {
  const given = event.target;
  const work = FORMS[given.dataset.form];
  if (!work) return;
  event.preventDefault();
  run(given, () => work(given), event.submitter);
});
