// What every part of the page needs: elements, views, messages, questions.

export const $ = (id) => document.getElementById(id);

import { language, say } from "./words.js";

const VIEWS = {
  loading: () => "Motet", "sign-in": () => say("Sign in"), second: () => say("One more step"),
  forgot: () => say("Reset your password"), reset: () => say("Choose a new password"),
  invitation: () => say("Welcome to Motet"), account: () => say("Your account"),
};

// Shows one view, and puts the reader at its title.
export function show(view) {
  for (const name of Object.keys(VIEWS)) $(`view-${name}`).hidden = name !== view;
  document.body.classList.toggle("narrow", view !== "account");
  document.title = `${VIEWS[view]()} · Motet`;
  clearErrors(document);
  const title = $(`${view}-title`);
  if (title) title.focus();
}

export function notice(text, kind = "") {
  const box = $("notice");
  box.className = `notice ${kind}`;
  box.textContent = text || "";
  box.hidden = !text;
}

export function clearErrors(within) {
  for (const box of within.querySelectorAll(".error")) {
    box.hidden = true;
    box.textContent = "";
  }
  for (const field of within.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
}

// Says what is wrong at the form or panel, and leads to the field at fault.
export function complain(within, message, fieldName) {
  const box = within.querySelector(".error");
  box.textContent = message;
  box.hidden = false;
  const field = fieldName && within.querySelector(`[name="${fieldName}"]`);
  if (field) {
    field.setAttribute("aria-invalid", "true");
    field.focus();
  }
}

// Runs what a button or form starts: once at a time, errors told where it was started.
export async function run(within, work, button) {
  if (within.dataset.busy) return;
  within.dataset.busy = "1";
  if (button) button.disabled = true;
  clearErrors(within);
  notice("");
  try {
    await work();
  } catch (error) {
    if (!error.code || typeof error.code !== "string") console.error(error);
    complain(within, error.message || say("Something went wrong."), (error.path || []).at(-1));
  } finally {
    delete within.dataset.busy;
    if (button) button.disabled = false;
  }
}

// An element with text, never with markup.
export function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  if (text !== undefined && text !== null) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

// Asks in a dialog: for a text, or (without a label) for a yes. Gives the text, true, or null.
export function ask({ title, about = "", label = null, type = "text", value = "", yes = say("Continue"), danger = false, autocomplete = "off" }) {
  const dialog = $("ask");
  const input = $("ask-input");
  $("ask-title").textContent = title;
  $("ask-about").textContent = about;
  $("ask-about").hidden = !about;
  $("ask-field").hidden = label === null;
  $("ask-label").textContent = label || "";
  Object.assign(input, { type, value, autocomplete, required: label !== null, maxLength: type === "password" ? 1024 : 100 });
  $("ask-yes").textContent = yes;
  $("ask-yes").className = danger ? "danger" : "primary";
  return new Promise((resolve) => {
    $("ask-no").onclick = () => dialog.close("");
    dialog.querySelector("form").onsubmit = (event) => {
      event.preventDefault();
      if (label !== null && !input.value.trim()) return input.focus();
      dialog.close("yes");
    };
    dialog.onclose = () => {
      const given = input.value;
      input.value = "";
      resolve(dialog.returnValue === "yes" ? (label === null ? true : given) : null);
      dialog.returnValue = "";
    };
    dialog.returnValue = "";
    dialog.showModal();
  });
}

export const moment = (text) => new Intl.DateTimeFormat(language(), { dateStyle: "medium", timeStyle: "short" }).format(new Date(text));
export const day = (text) => new Intl.DateTimeFormat(language(), { dateStyle: "medium" }).format(new Date(text));

// What a browser says about itself, in words.
export function program(agent) {
  if (!agent) return say("Unknown program");
  const browser = [["Edg/", "Edge"], ["OPR/", "Opera"], ["Firefox/", "Firefox"], ["Chrome/", "Chrome"], ["Safari/", "Safari"]]
    .find(([mark]) => agent.includes(mark));
  const system = [["Android", "Android"], ["iPhone", "iPhone"], ["iPad", "iPad"], ["Mac OS X", "macOS"], ["Windows", "Windows"], ["Linux", "Linux"]]
    .find(([mark]) => agent.includes(mark));
  if (!browser) return agent.slice(0, 60);
  return system ? say("{browser} on {system}", { browser: browser[1], system: system[1] }) : browser[1];
}
