// Elements from data. Text goes in as text, never as markup.

const byId = (id) => document.getElementById(id);

function element(tag, { data = {}, aria = {}, ...properties } = {}, ...children) {
  const made = document.createElement(tag);
  Object.assign(made, properties);
  Object.assign(made.dataset, data);
  for (const [name, value] of Object.entries(aria)) made.setAttribute(name, value);
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== false && child !== ""));
  return made;
}

// What cannot be seen, or turns the direction of what follows, is shown as a box.
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;
const visible = (text) => String(text).replace(/\r?\n/g, "↵").replace(HIDDEN, "□");

const bdi = (text, className = "") => element("bdi", { className, textContent: visible(text) });
const plural = (count, word) => `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;
const say = (text) => (byId("status").textContent = text);

function button(text, key, onClick, { className = "tool", title = "" } = {}) {
  const made = element("button", { type: "button", className, title }, text, key && element("kbd", { textContent: key, aria: { "aria-hidden": "true" } }));
  made.addEventListener("click", onClick);
  return made;
}

// How sure, as a bar and a number.
function confidence(value) {
  const level = value >= 0.9 ? "high" : value >= 0.5 ? "middle" : "low";
  const bar = element("i", { aria: { "aria-hidden": "true" } });
  bar.style.setProperty("--share", `${Math.round(value * 100)}%`);
  return element("span", { className: `confidence ${level}` }, bar, value.toFixed(2));
}

// A message above the list, with things to do about it.
function notice(text, ...buttons) {
  const box = byId("notice");
  box.hidden = !text;
  box.replaceChildren(element("span", { textContent: visible(text) }), ...buttons);
  if (text) box.append(button("Dismiss", "", () => notice("")));
}
