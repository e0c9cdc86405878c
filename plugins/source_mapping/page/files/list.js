// The rows that are shown, of which only those on screen are in the document.

const list = byId("list");
const canvas = byId("canvas");
const MODES = [["all", "All"], ["questions", "Questions"], ["undecided", "Undecided"], ["edited", "Not saved"], ["unmapped", "Unmapped"]];
const view = { mode: "all", words: [], stream: "", closed: new Map(), rows: [], tops: [], height: 0, cursor: "" };

const narrow = matchMedia("(max-width: 760px)");
const heightOf = (row) => ({ entity: 48, column: narrow.matches ? 92 : 54, rest: 40, unmapped: 54 })[row.kind];

const isShownIn = {
  all: () => true,
  questions: isQuestion,
  undecided: (row) => !isDecided(row),
  edited: (row) => edits.has(row.key),
  unmapped: () => false,
};

const hasWords = (text) => view.words.every((word) => text.includes(word));
const isClosed = (head) => view.closed.get(head.key) ?? statusOf(head) === "rejected";

// What is shown now; a heading stays while anything under it does.
function computeRows() {
  const isIn = isShownIn[view.mode];
  const all = [];
  for (const stream of review.streams) {
    if (view.stream && stream.name !== view.stream) continue;
    for (const head of stream.heads) {
      const found = isMoot(head.columns[0] ?? head) && view.mode !== "all" && view.mode !== "edited"
        ? [] : head.columns.filter((row) => isIn(row) && (hasWords(row.words) || hasWords(head.words)));
      if (!found.length && !(isIn(head) && hasWords(head.words))) continue;
      all.push(head);
      if (!isClosed(head) || view.words.length) all.push(...found);
    }
    if (view.mode === "all" || view.mode === "unmapped") all.push(...unmappedRows(stream));
  }
  return all;
}

function unmappedRows(stream) {
  const found = unmappedOf(stream).filter(({ name }) => hasWords(name.toLowerCase()) || (view.words.length && hasWords(stream.name.toLowerCase())));
  if (!found.length) return [];
  const head = { kind: "rest", key: keyOf("rest", stream.name), stream, count: found.length };
  return [head, ...(view.closed.get(head.key) ? [] : found.map((column) => ({
    kind: "unmapped", key: keyOf("unmapped", stream.name, column.name), stream, column,
    because: stream.because.get(column.name) ?? (isUsedInFile(stream, column.name) ? "nothing is made from it any more" : "no reason is given"),
  })))];
}

// Everything anew: after an edit, a filter, or a save. The cursor stays where it was, or goes to what came there.
function show() {
  const before = Math.max(0, cursorPlace());
  view.rows = computeRows();
  let top = 0;
  view.tops = view.rows.map((row) => (top += heightOf(row)) - heightOf(row));
  view.height = top;
  canvas.style.height = `${top}px`;
  if (cursorPlace() < 0) view.cursor = view.rows[Math.min(before, view.rows.length - 1)]?.key ?? "";
  drawEmpty();
  drawBar();
  drawList();
  drawDetail();
}

const cursorPlace = () => view.rows.findIndex((row) => row.key === view.cursor);
const cursorRow = () => view.rows[cursorPlace()];

function moveTo(place, { near = false } = {}) {
  if (!view.rows.length) return;
  const at = Math.min(Math.max(place, 0), view.rows.length - 1);
  view.cursor = view.rows[at].key;
  closePicker();
  const top = view.tops[at];
  const bottom = top + heightOf(view.rows[at]);
  const margin = near ? 0 : 60;
  if (top < list.scrollTop) list.scrollTop = top - margin;
  else if (bottom > list.scrollTop + list.clientHeight) list.scrollTop = bottom - list.clientHeight + margin;
  drawList();
  drawDetail();
}

function goTo(key) {
  const row = rowByKey.get(key);
  if (row?.kind === "column" && isClosed(row.head)) view.closed.set(row.head.key, false);
  if (!computeRows().some((one) => one.key === key)) Object.assign(view, { mode: "all", words: [], stream: "" });
  view.cursor = key;
  show();
  moveTo(cursorPlace());
}

function drawEmpty() {
  byId("empty").hidden = view.rows.length > 0;
  const said = { questions: "No open questions.", undecided: "Everything is decided.", edited: "Nothing waits to be saved.", unmapped: "Every source column is used." };
  byId("empty").textContent = view.words.length ? "No column is called like this." : (said[view.mode] ?? "This mapping has no columns.");
}

// The headings stand above their cells, whatever the scroll bar takes.
function fitHeads() {
  byId("heads").style.paddingRight = `${16 + list.offsetWidth - list.clientWidth}px`;
  queueList();
}

let listQueued = false;
function queueList() {
  if (listQueued) return;
  listQueued = true;
  requestAnimationFrame(() => { listQueued = false; drawList(); });
}

function drawList() {
  const from = list.scrollTop - 300;
  const to = list.scrollTop + list.clientHeight + 300;
  const made = [];
  for (let at = firstFrom(from); at < view.rows.length && view.tops[at] < to; at++) made.push(drawRow(view.rows[at], at));
  canvas.replaceChildren(...made);
  const at = cursorPlace();
  if (made.some((row) => row.id === `row-${at}`)) list.setAttribute("aria-activedescendant", `row-${at}`);
  else list.removeAttribute("aria-activedescendant");
}

function firstFrom(top) {
  let low = 0;
  let high = view.rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (view.tops[middle] + heightOf(view.rows[middle]) < top) low = middle + 1;
    else high = middle;
  }
  return low;
}

function drawRow(row, at) {
  const made = element("div", {
    id: `row-${at}`, role: "option", className: `row ${row.kind}`, data: { at },
    aria: { "aria-selected": String(row.key === view.cursor), "aria-setsize": view.rows.length, "aria-posinset": at + 1 },
  }, ...{ entity: entityCells, column: columnCells, rest: restCells, unmapped: unmappedCells }[row.kind](row));
  made.style.top = `${view.tops[at]}px`;
  made.style.height = `${heightOf(row)}px`;
  if (isMoot(row)) made.classList.add("moot");
  if (problems.has(row.key)) made.classList.add("refused");
  return made;
}

const arrow = (isOpen) => element("span", { className: "arrow", textContent: isOpen ? "▾" : "▸", aria: { "aria-hidden": "true" } });

function entityCells(row) {
  const open = row.columns.filter((one) => !isDecided(one)).length;
  const said = statusOf(row) === "rejected" ? "does not feed it" : open ? `${open} of ${row.columns.length} open` : "all decided";
  return [
    element("span", { className: "title" }, arrow(!isClosed(row)), bdi(row.stream.name), " → ", bdi(row.entity.entity),
      row.entity.is_new && element("small", { textContent: "new" })),
    element("small", { className: "said", textContent: said }),
    confidence(row.base.confidence), chip(row),
  ];
}

function columnCells(row) {
  const target = targetOf(row);
  const { columns, expression } = answerOf(row);
  const isNo = statusOf(row) === "rejected";
  const sources = columns.map((name) => row.stream.byName.get(name) ?? { name, samples: [] });
  const problem = problems.get(row.key);
  const name = expression ? element("code", { textContent: visible(expression) }) : null;
  return [
    cell(bdi(target.name, "name"), target.type, target.samples.map(visible).join(" · ") || target.description),
    sources.length || expression
      ? cell(name ?? bdi(sources.map((one) => one.name).join(", "), "name"), expression ? "" : sources[0].type,
        problem ?? sources.flatMap((one) => one.samples.slice(0, 3)).map(visible).join(" · "), isNo ? "no" : "")
      : cell(element("span", { className: "nothing", textContent: row.base.is_listed || isDecided(row) ? "nothing at the source" : "not looked for yet" }), "", problem ?? ""),
    sureness(row), chip(row),
  ];
}

// What a person says is sure; the proposal's confidence was about something else.
const sureness = (row) =>
  isReplaced(row) ? element("small", { className: "muted", textContent: "by you" }) : confidence(row.base.confidence);

function cell(name, type, below, extra = "") {
  return element("span", { className: `cell ${extra}` },
    element("span", { className: "first" }, name, type && element("small", { className: "type", textContent: visible(type) })),
    element("span", { className: "below", dir: "auto", textContent: visible(below ?? "") }));
}

const restCells = (row) => [
  element("span", { className: "title" }, arrow(!view.closed.get(row.key)), `${plural(row.count, "column")} of `, bdi(row.stream.name), row.count === 1 ? " goes nowhere" : " go nowhere"),
];

const unmappedCells = (row) => [
  element("span", { className: "cell because" }, element("span", { className: "below", dir: "auto", textContent: visible(row.because) })),
  cell(bdi(row.column.name, "name"), row.column.type, row.column.samples.map(visible).join(" · ")),
  element("span"), element("span"),
];

// How a row stands, in words and colour; a dot: not saved.
function chip(row) {
  const edit = edits.get(row.key);
  const status = statusOf(row);
  const isEntity = row.kind === "entity";
  let [text, tone] = { approved: ["accepted", "good"], rejected: ["rejected", "bad"], question: ["question", "warm"], proposed: ["proposed", ""] }[status];
  if (isEntity && status === "approved") text = "feeds it";
  if (isEntity && status === "rejected") text = "feeds it not";
  if (!isEntity && status === "approved" && !answerOf(row).columns.length && !answerOf(row).expression) text = "nothing";
  if (edit?.verdict === "override") text = "overridden";
  if (problems.has(row.key)) [text, tone] = ["look again", "bad"];
  return element("span", { className: `chip ${tone} ${edit ? "unsaved" : ""}`, textContent: text, title: edit ? "not saved yet" : "" });
}
