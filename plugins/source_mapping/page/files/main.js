// Keys, buttons and filters.

const KEYS = [
  ["j", "k", "next, previous row"], ["a", "accept"], ["o", "override"], ["n", "nothing at the source is this"], ["x", "reject"],
  ["1–9", "take that runner-up"], ["c", "reopen"], ["u", "U", "undo, redo"], ["t", "approve all above a confidence"],
  ["/", "filter"], ["f", "next filter of rows"], ["g", "G", "first, last row"], ["Enter", "open or close an entity"], ["s", "save"], ["?", "keys"], ["Esc", "back to the list"],
];

// Sets an edit on the row under the cursor, and goes on to the next.
function decide(edit, label, only = null) {
  const row = cursorRow();
  if (!row || !(row.kind === "entity" || row.kind === "column") || (only && row.kind !== only)) return;
  if (isMoot(row)) return say("the stream does not feed this entity");
  decideRow(row, edit, label);
}

function decideRow(row, edit, label) {
  const at = cursorPlace();
  const isHere = row.key === view.cursor;
  closePicker();
  change(`${label} ${row.base.target ?? row.entity.entity}`, [[row, edit]]);
  drawKeys();
  show();
  // Where the row is filtered away by its decision, the next is under the cursor already.
  if (isHere && cursorRow()?.key === row.key && edit.verdict !== "reopen") moveTo(at + 1);
  else moveTo(cursorPlace());
  list.focus({ preventScroll: true });
}

const accept = () => decide({ verdict: "accept" }, "accepted");
const chooseNone = () => (cursorRow()?.kind === "entity" ? reject() : decide({ verdict: "none" }, "nothing is", "column"));
const reject = () => decide({ verdict: "reject" }, "rejected");
const reopen = () => isDecided(cursorRow()) && decide({ verdict: "reopen" }, "reopened");

// columns without an expression: one, read as the target needs it.
function choose(row, columns, expression) {
  const isProposed = !expression && sameList(columns, row.base.columns);
  const edit = isProposed ? { verdict: "accept" } : { verdict: "override", columns, expression: expression || readingOf(row, columns[0]) };
  decideRow(row, edit, isProposed ? "accepted" : "overridden");
}

function override() {
  const row = cursorRow();
  if (row?.kind === "unmapped" || (row?.kind === "column" && !isMoot(row))) openPicker(row);
}

function takeRunnerUp(place) {
  const row = cursorRow();
  const found = row?.kind === "column" && !isMoot(row) && row.base.runners_up[place];
  if (found) choose(row, [found[0]], "");
}

function toggle() {
  const row = cursorRow();
  if (row?.kind === "entity") view.closed.set(row.key, !isClosed(row));
  else if (row?.kind === "rest") view.closed.set(row.key, !view.closed.get(row.key));
  else return override();
  show();
}

function stepBack(act) {
  closePicker();
  const key = act();
  if (key) goTo(key);
  list.focus({ preventScroll: true });
}

function setMode(mode) {
  view.mode = mode;
  list.scrollTop = 0;
  show();
  moveTo(Math.max(0, cursorPlace()));
  say(`${plural(view.rows.length, "row")} shown`);
}

function drawBar() {
  const { decided, all, questions } = progress();
  byId("progress").textContent = `${decided.toLocaleString("en")} of ${all.toLocaleString("en")} decided${questions ? `, ${plural(questions, "question")}` : ""}`;
  const meter = byId("meter");
  meter.setAttribute("aria-valuemax", all);
  meter.setAttribute("aria-valuenow", decided);
  meter.firstElementChild.style.width = `${all ? (100 * decided) / all : 100}%`;
  byId("undo").disabled = !past.length;
  const what = review.save_to ? "Save" : "Download mapping.yml";
  byId("save").textContent = isSaving ? "Saving…" : edits.size ? `${what} (${edits.size.toLocaleString("en")})` : what;
  document.title = `${isUnsaved() ? "• " : ""}${visible(review.source)} · source mapping`;
  const counts = { questions, undecided: all - decided, edited: edits.size, unmapped: review.streams.reduce((sum, stream) => sum + unmappedOf(stream).length, 0) };
  byId("modes").replaceChildren(...MODES.map(([mode, text]) => {
    const made = button(text, "", () => { setMode(mode); list.focus({ preventScroll: true }); }, { className: "" });
    if (counts[mode] !== undefined) made.append(element("small", { textContent: counts[mode].toLocaleString("en") }));
    made.setAttribute("aria-pressed", String(view.mode === mode));
    return made;
  }));
}

function aboveThreshold() {
  const least = Number(byId("threshold-value").value);
  const isFiltered = view.words.length || view.stream;
  const shown = new Set(computeRows().map((row) => row.key));
  return rows.filter((row) => !isDecided(row) && !isMoot(row) && (row.kind === "entity" || row.base.is_listed) && row.base.confidence >= least && (!isFiltered || shown.has(row.key)));
}

function drawThreshold() {
  const found = aboveThreshold();
  const isFiltered = view.words.length || view.stream;
  byId("threshold-count").textContent = `${plural(found.length, "undecided row")}${isFiltered ? " of what is shown" : ""} will be approved as proposed. Undo takes it back.`;
  byId("threshold-approve").disabled = !found.length;
}

function openThreshold() {
  drawThreshold();
  byId("threshold").returnValue = "";
  byId("threshold").showModal();
  byId("threshold-value").select();
}

function closeThreshold() {
  if (byId("threshold").returnValue === "approve") {
    const found = aboveThreshold();
    change(`approved ${plural(found.length, "row")}`, found.map((row) => [row, { verdict: "accept" }]));
    show();
  }
  list.focus({ preventScroll: true });
}

function nextMode() {
  const at = MODES.findIndex(([mode]) => mode === view.mode);
  setMode(MODES[(at + 1) % MODES.length][0]);
}

const page = () => Math.max(1, Math.floor(list.clientHeight / 54) - 1);
const ACTS = {
  j: () => moveTo(cursorPlace() + 1), k: () => moveTo(cursorPlace() - 1), ArrowDown: () => moveTo(cursorPlace() + 1), ArrowUp: () => moveTo(cursorPlace() - 1),
  PageDown: () => moveTo(cursorPlace() + page()), PageUp: () => moveTo(cursorPlace() - page()), Home: () => moveTo(0), End: () => moveTo(view.rows.length - 1),
  g: () => moveTo(0), G: () => moveTo(view.rows.length - 1),
  a: accept, o: override, n: chooseNone, x: reject, c: reopen, Enter: toggle, " ": toggle,
  u: () => stepBack(undo), U: () => stepBack(redo), s: () => save(), t: openThreshold, f: nextMode,
  "/": () => byId("search").select(), "?": () => byId("help").showModal(),
};

function pressKey(event) {
  if (event.isComposing || event.altKey || document.querySelector("dialog[open]")) return;
  const isTyping = event.target.matches("input, textarea, select");
  if (event.ctrlKey || event.metaKey) {
    const act = { s: () => save(), z: !isTyping && (() => stepBack(event.shiftKey ? redo : undo)), y: !isTyping && (() => stepBack(redo)) }[event.key.toLowerCase()];
    if (act) event.preventDefault(), act();
    return;
  }
  if (event.key === "Escape") {
    closePicker();
    list.focus({ preventScroll: true });
    return;
  }
  // A button or the details take the keys that they know themselves.
  const isElsewhere = event.target.closest("button, a") && ["Enter", " "].includes(event.key);
  const isReading = detail.contains(event.target) && ["ArrowDown", "ArrowUp", "PageDown", "PageUp", "Home", "End"].includes(event.key);
  if (isTyping || isElsewhere || isReading) return;
  const act = ACTS[event.key] ?? (/^[1-9]$/.test(event.key) && (() => takeRunnerUp(Number(event.key) - 1)));
  if (!act) return;
  event.preventDefault();
  act();
}

function listenToFilters() {
  const search = byId("search");
  search.addEventListener("input", () => {
    view.words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    list.scrollTop = 0;
    show();
  });
  search.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== "ArrowDown") return;
    event.preventDefault();
    list.focus({ preventScroll: true });
  });
  const choice = byId("stream");
  choice.hidden = review.streams.length < 2;
  choice.append(element("option", { value: "", textContent: "All streams" }), ...review.streams.map(({ name }) => element("option", { value: name, textContent: visible(name) })));
  choice.addEventListener("change", () => {
    view.stream = choice.value;
    list.scrollTop = 0;
    show();
  });
}

function listenToList() {
  list.addEventListener("scroll", queueList, { passive: true });
  list.addEventListener("click", (event) => {
    const at = event.target.closest(".row")?.dataset.at;
    if (at === undefined) return;
    const isAgain = view.rows[at].key === view.cursor;
    moveTo(Number(at), { near: true });
    if (event.target.closest(".arrow") || (isAgain && ["entity", "rest"].includes(view.rows[at].kind))) toggle();
  });
  list.addEventListener("dblclick", (event) => event.target.closest(".row.column, .row.unmapped") && override());
  new ResizeObserver(fitHeads).observe(list);
  narrow.addEventListener("change", show);
}

function drawKeys() {
  byId("help-keys").replaceChildren(...KEYS.flatMap((entry) => [
    element("dt", {}, ...entry.slice(0, -1).map((key) => element("kbd", { textContent: key }))), element("dd", { textContent: entry.at(-1) }),
  ]));
  const short = [["j", "k", "move"], ["a", "accept"], ["o", "override"], ["n", "none"], ["x", "reject"], ["u", "undo"], ["/", "filter"], ["s", review.save_to ? "save" : "download"], ["?", "all keys"]];
  byId("keys").replaceChildren(...short.map((entry) => element("span", {}, ...entry.slice(0, -1).map((key) => element("kbd", { textContent: key })), entry.at(-1))));
}

function tellRestored({ kept, lost, changed }) {
  const drop = button("Discard them", "", () => { change("discarded", [...edits.keys()].map((key) => [rowByKey.get(key), null])); notice(""); show(); });
  const parts = [
    kept && `Kept from your last visit: ${plural(kept, "edit")} not saved yet.`,
    changed && `${plural(changed, "row")} of these changed in the file meanwhile: look again.`,
    lost && `${plural(lost, "edit")} no longer fit the mapping and were left out.`,
    !canStore && "This browser keeps nothing for this page: save before you close it.",
  ].filter(Boolean);
  if (parts.length) notice(parts.join(" "), ...(kept ? [drop] : []));
}

function start() {
  readDocument(JSON.parse(byId("data").textContent));
  byId("source").textContent = visible(review.source);
  if (!review.save_to) {
    byId("reviewer-field").hidden = byId("copy").hidden = false;
    byId("reviewer").value = review.reviewer ?? "";
  }
  const restored = restore();
  view.cursor = (rows.find(isQuestion) ?? rows.find((row) => !isDecided(row)) ?? rows[0])?.key ?? "";
  drawKeys();
  listenToFilters();
  listenToList();
  document.addEventListener("keydown", pressKey);
  byId("undo").addEventListener("click", () => stepBack(undo));
  byId("save").addEventListener("click", () => save());
  byId("copy").addEventListener("click", copy);
  byId("approve").addEventListener("click", openThreshold);
  byId("help-button").addEventListener("click", () => byId("help").showModal());
  byId("threshold").addEventListener("close", closeThreshold);
  byId("threshold-cancel").addEventListener("click", () => byId("threshold").close());
  byId("threshold-value").addEventListener("input", drawThreshold);
  byId("skip").addEventListener("click", (event) => { event.preventDefault(); list.focus(); });
  window.addEventListener("beforeunload", warnOfLoss);
  window.addEventListener("storage", warnOfOtherTab);
  tellRestored(restored);
  show();
  moveTo(Math.max(0, cursorPlace()));
  list.focus({ preventScroll: true });
}

start();
