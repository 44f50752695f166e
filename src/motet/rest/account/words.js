// The page's words in the reader's language. The English of the page is the key; what a language lacks stays English.

export const LANGUAGES = {
  en: "English", de: "Deutsch", es: "Español", fr: "Français", it: "Italiano", ja: "日本語", "zh-TW": "繁體中文",
};

const KEPT = "motet-language";
const ATTRIBUTES = ["alt", "aria-label"];

let words = {};

// What stands in the document itself, by its English: text nodes, and attributes that are read aloud.
const texts = [];

// The words for these, with the values that they name in braces.
export function say(text, values = {}) {
  const found = Object.hasOwn(words, text) ? words[text] : text;
  return found.replace(/\{(\w+)\}/g, (all, name) => (Object.hasOwn(values, name) ? String(values[name]) : all));
}

export const language = () => document.documentElement.lang;

// What was chosen here before, else what the server made of the request.
export function begin() {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (node.nodeType === Node.TEXT_NODE) {
      const plain = node.nodeValue.trim();
      if (plain && !node.parentElement.closest("[translate=no]")) texts.push([plain, (text) => { node.nodeValue = node.nodeValue.replace(/\S[\s\S]*\S|\S/, () => text); }]);
    } else {
      for (const name of ATTRIBUTES) {
        const plain = node.getAttribute(name);
        if (plain) texts.push([plain, (text) => node.setAttribute(name, text)]);
      }
    }
  }
  return speak(kept() || language());
}

// Turns the document to a language, and remembers it if somebody chose it.
export async function speak(locale, { chosen = false } = {}) {
  if (!Object.hasOwn(LANGUAGES, locale)) return;
  if (chosen) {
    try {
      localStorage.setItem(KEPT, locale);
    } catch { /* this browser keeps nothing: it is asked again next time */ }
  }
  try {
    words = locale === "en" ? {} : await (await fetch(`/account/files/words.${locale}.json`)).json();
  } catch {
    words = {};
  }
  document.documentElement.lang = locale;
  document.getElementById("language").value = locale;
  for (const [english, put] of texts) put(say(english));
}

function kept() {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null;
  }
}
