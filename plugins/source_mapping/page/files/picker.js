// The editor of an answer: one column, several, or an expression; for a column that goes nowhere, its target.

const MOST_OPTIONS = 60;
const RESERVED = new Set("all and any array as asc between both case cast check collate column constraint create cross default desc distinct do else end except exists false fetch filter for foreign from full glob group having ilike in initially inner intersect into is isnull join lateral leading left like limit map natural not notnull null offset on only or order outer overlaps over pivot placing primary qualify references returning right row select similar some struct symmetric table then to trailing true union unique unpivot using values variadic when where window with".split(" "));

// SQL that makes the target of a column, as `smelt map` would write it; "": the column as it is.
function readingOf(row, name) {
  return row.entity.readings[row.base.reading]?.[name] ?? "";
}

let picker = null; // { row, box, options, found, at, chosen, input, expression, message }

const quoted = (name) => (/^[a-z_][a-z0-9_]*$/.test(name) && !RESERVED.has(name) ? name : `"${name.replaceAll('"', '""')}"`);

function closePicker() {
  if (!picker) return;
  const hadFocus = picker.box.contains(document.activeElement);
  picker.box.remove();
  picker = null;
  if (hadFocus) list.focus({ preventScroll: true });
}

function openPicker(row) {
  closePicker();
  const isMany = row.kind === "column";
  const { columns, expression } = isMany ? answerOf(row) : { columns: [], expression: "" };
  picker = { row, isMany, options: isMany ? columnOptions(row) : targetOptions(row), at: 0, found: [], chosen: columns.length > 1 && !expression ? [...columns] : [] };
  picker.input = element("input", {
    type: "text", role: "combobox", autocomplete: "off", spellcheck: false, placeholder: isMany ? "Source column" : "Target column",
    aria: { "aria-label": isMany ? "Source column" : "Target column", "aria-expanded": "true", "aria-controls": "options", "aria-autocomplete": "list" },
  });
  picker.chips = element("span", { className: "chips" });
  picker.list = element("div", { id: "options", role: "listbox", aria: { "aria-label": "Found" } });
  picker.hint = element("p", { className: "muted" });
  const parts = [element("div", { className: "entry" }, picker.chips, picker.input), picker.hint, picker.list];
  if (isMany) {
    picker.expression = element("textarea", { id: "expression", rows: 2, spellcheck: false, defaultValue: expression });
    parts.push(element("label", { className: "expression" }, "Expression over this stream's columns, or a constant such as 'EUR' (SQL)", picker.expression));
    parts.push(element("div", { className: "actions" }, button("Use it", "↵", applyPicker, { className: "tool primary" }), button("Join with a space", "", () => suggest("concat_ws(' ', ", ")")), button("First that is filled", "", () => suggest("coalesce(", ")")), button("Cancel", "Esc", closePicker)));
    picker.expression.addEventListener("keydown", pressInExpression);
  } else parts.push(element("div", { className: "actions" }, button("Cancel", "Esc", closePicker)));
  picker.box = element("div", { className: "picker" }, ...parts);
  picker.input.addEventListener("input", () => { picker.at = 0; drawOptions(); });
  picker.input.addEventListener("keydown", pressInPicker);
  picker.list.addEventListener("click", clickOption);
  byId("picker-place").replaceChildren(picker.box);
  drawOptions();
  picker.box.scrollIntoView({ block: "nearest" });
  (expression && problems.has(row.key) ? picker.expression : picker.input).focus({ preventScroll: true });
}

// Likely ones first: what is proposed, runners-up, then what is in use nowhere.
function columnOptions(row) {
  const rank = new Map([...row.base.columns.map((name) => [name, 2]), ...row.base.runners_up].map(([name, sure]) => [name, sure + 1]));
  const unused = new Set(unmappedOf(row.stream).map(({ name }) => name));
  const options = row.stream.columns.map((column) => ({ value: column.name, column, note: unused.has(column.name) ? "" : "used" }));
  const order = ({ value, note }) => rank.get(value) ?? (note ? 0 : 0.5);
  return options.map((one) => [order(one), one]).sort((a, b) => b[0] - a[0]).map(([, one]) => one);
}

function targetOptions(row) {
  const targets = row.stream.heads.flatMap((head) => head.columns).filter((one) => !isMoot(one));
  const isEmpty = (one) => !answerOf(one).columns.length && !answerOf(one).expression;
  const sorted = [...targets.filter(isEmpty), ...targets.filter((one) => !isEmpty(one))];
  return sorted.map((one) => ({ value: one, column: { ...targetOf(one), name: `${one.entity.entity}.${one.base.target}` }, note: isEmpty(one) ? "" : `now ${answerOf(one).expression || answerOf(one).columns.join(", ")}` }));
}

function drawOptions() {
  const words = picker.input.value.toLowerCase().split(/\s+/).filter(Boolean);
  const matches = picker.options.filter(({ column }) => words.every((word) => column.name.toLowerCase().includes(word)));
  const typed = picker.input.value.trim().toLowerCase();
  matches.sort((a, b) => Number(b.column.name.toLowerCase() === typed) - Number(a.column.name.toLowerCase() === typed));
  picker.found = matches.slice(0, MOST_OPTIONS);
  picker.chips.replaceChildren(...picker.chosen.map((name) => {
    const chip = button(visible(name), "", () => { picker.chosen = picker.chosen.filter((one) => one !== name); drawOptions(); }, { className: "chosen", title: "Take it out" });
    return chip;
  }));
  picker.list.replaceChildren(...picker.found.map(({ column, note, value }, at) => element("div", {
    id: `option-${at}`, role: "option", className: "option", data: { at },
    aria: { "aria-selected": String(at === picker.at), ...(picker.chosen.includes(value) ? { "aria-checked": "true" } : {}) },
  }, element("span", { className: "first" }, picker.isMany && element("i", { className: "tick", title: "One of several", aria: { "aria-hidden": "true" } }), bdi(column.name, "name"),
    column.type && element("small", { className: "type", textContent: visible(column.type) }), note && element("small", { className: "note", textContent: visible(note) })),
  element("span", { className: "below", dir: "auto", textContent: column.samples.map(visible).join(" · ") }))));
  if (picker.found.length) picker.input.setAttribute("aria-activedescendant", `option-${picker.at}`);
  else picker.input.removeAttribute("aria-activedescendant");
  picker.list.children[picker.at]?.scrollIntoView({ block: "nearest" });
  const more = matches.length - picker.found.length;
  picker.hint.textContent = !matches.length ? "No column is called like this." : more > 0 ? `${more.toLocaleString("en")} more: type a part of the name.` : picker.isMany ? "↵ uses it, a comma adds it to several, = begins an expression" : "↵ uses it";
}

function clickOption(event) {
  const option = event.target.closest(".option");
  if (!option) return;
  picker.at = Number(option.dataset.at);
  if (event.target.closest(".tick")) toggleChosen();
  else useOption();
}

function toggleChosen() {
  const name = picker.found[picker.at]?.value;
  if (name === undefined) return;
  // What stood there was about other columns.
  if (picker.expression.value === picker.expression.defaultValue) picker.expression.value = "";
  picker.chosen = picker.chosen.includes(name) ? picker.chosen.filter((one) => one !== name) : [...picker.chosen, name];
  picker.input.value = "";
  picker.at = 0;
  drawOptions();
  picker.input.focus();
}

function useOption() {
  const option = picker.found[picker.at];
  if (!picker.isMany) {
    if (option) choose(option.value, [picker.row.column.name], "");
    return;
  }
  // Only what was typed or walked to counts as chosen beside what is chosen already.
  const isMeant = option && (!picker.chosen.length || picker.input.value || picker.at > 0);
  const names = [...new Set([...picker.chosen, ...(isMeant ? [option.value] : [])])];
  if (names.length === 1) return choose(picker.row, names, "");
  picker.chosen = names;
  if (names.length) suggest("concat_ws(' ', ", ")");
}

function suggest(before, after) {
  const names = picker.chosen.length ? picker.chosen : answerOf(picker.row).columns;
  picker.expression.value = `${before}${names.map(quoted).join(", ")}${after}`;
  picker.input.value = "";
  drawOptions();
  picker.expression.focus();
  say("an expression makes one value of several columns: look at it, and press Enter");
}

function applyPicker() {
  const expression = picker.expression.value.trim();
  if (!expression) return useOption();
  choose(picker.row, namesIn(expression, picker.row.stream), expression);
}

function pressInPicker(event) {
  if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  const move = (by) => { picker.at = Math.min(Math.max(picker.at + by, 0), Math.max(picker.found.length - 1, 0)); drawOptions(); };
  const isEmpty = picker.input.value === "";
  const acts = {
    ArrowDown: () => move(1), ArrowUp: () => move(-1), PageDown: () => move(8), PageUp: () => move(-8),
    Enter: () => (isEmpty && picker.isMany && picker.chosen.length > 1 && picker.at === 0 ? suggest("concat_ws(' ', ", ")") : useOption()),
    Escape: closePicker,
    ",": picker.isMany && toggleChosen,
    "=": isEmpty && picker.isMany && (() => { picker.expression.focus(); picker.expression.select(); }),
    Backspace: isEmpty && picker.chosen.length > 0 && (() => { picker.chosen.pop(); drawOptions(); }),
  };
  if (!acts[event.key]) return;
  event.preventDefault();
  event.stopPropagation();
  acts[event.key]();
}

function pressInExpression(event) {
  if (event.isComposing || (event.key !== "Escape" && (event.key !== "Enter" || event.shiftKey))) return;
  event.preventDefault();
  event.stopPropagation();
  if (event.key === "Escape") closePicker();
  else applyPicker();
}
