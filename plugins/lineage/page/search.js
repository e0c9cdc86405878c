// Search over models and columns: a combobox whose list only holds the rows that are on screen.

const input = document.getElementById("search");
const results = document.getElementById("results");
const resultsScroll = document.getElementById("results-scroll");
const foundText = document.getElementById("found");
const RESULT_HEIGHT = 34;

const LISTED = ["model", "snapshot", "source", "seed", "metric", "exposure"];
const sortedNodes = [...nodes].sort((a, b) => LISTED.indexOf(a.kind) - LISTED.indexOf(b.kind) || compareNames(a, b));
const entries = [
  ...sortedNodes.map((node) => ({ node: node.index, column: null, key: node.name.toLowerCase() })),
  ...sortedNodes.flatMap((node) =>
    columnsOf(node).map((c) => ({ node: node.index, column: c.index, key: c.name.toLowerCase() })),
  ),
];
let hits = [];
let active = -1;
let onChoose = () => {};

// Better first: the whole name, its start, the start of a word in it, anywhere. `model.column` finds both.
function rank(key, words) {
  if (key === words) return 0;
  const at = key.indexOf(words);
  if (at < 0) return -1;
  if (at === 0) return 1;
  return /[\W_]/.test(key[at - 1]) ? 2 : 3;
}

// How `model.column` can be meant: at any of its dots, since both names may have some.
function splits(words) {
  const dots = [...words.matchAll(/\./g)].map(({ index }) => index).filter((index) => index > 0);
  return dots.map((dot) => ({ model: words.slice(0, dot), column: words.slice(dot + 1) }));
}

function rankEntry({ node, column, key }, words, places) {
  const found = [rank(key, words)];
  if (column !== null && found[0] < 0) {
    const name = nodes[node].name.toLowerCase();
    for (const place of places) {
      if (name.includes(place.model)) found.push(place.column ? rank(key, place.column) : 3);
    }
  }
  const good = found.filter((one) => one >= 0);
  return good.length ? Math.min(...good) : -1;
}

function find(text) {
  const words = text.trim().toLowerCase();
  if (!words) return entries.slice(0, nodes.length);
  const places = splits(words);
  const buckets = [];
  for (const entry of entries) {
    const good = rankEntry(entry, words, places);
    if (good >= 0) (buckets[good * 2 + (entry.column === null ? 0 : 1)] ??= []).push(entry);
  }
  return buckets.flat();
}

function search() {
  hits = find(input.value);
  active = input.value.trim() && hits.length ? 0 : -1;
  resultsScroll.scrollTop = 0;
  const models = hits.filter((hit) => hit.column === null).length;
  foundText.textContent = hits.length
    ? [models ? plural(models, "node") : "", hits.length > models ? plural(hits.length - models, "column") : ""]
        .filter(Boolean)
        .join(", ")
    : "Nothing is named like this";
  drawResults();
}

function drawResults() {
  const first = Math.max(0, Math.floor(resultsScroll.scrollTop / RESULT_HEIGHT) - 4);
  const last = Math.min(hits.length, first + Math.ceil(resultsScroll.clientHeight / RESULT_HEIGHT) + 8);
  results.style.height = `${hits.length * RESULT_HEIGHT}px`;
  results.replaceChildren(...hits.slice(first, last).map((hit, n) => makeResult(hit, first + n)));
  if (active >= first && active < last) input.setAttribute("aria-activedescendant", `result-${active}`);
  else input.removeAttribute("aria-activedescendant");
}

function makeResult(hit, position) {
  const node = nodes[hit.node];
  const isColumn = hit.column !== null;
  const chosen = state.node === hit.node && state.column === hit.column;
  const kind = KIND_STYLES.has(node.kind) ? node.kind : "model";
  const made = element(
    "div",
    {
      id: `result-${position}`,
      role: "option",
      className: `result kind-${kind} ${isColumn ? "is-column" : ""} ${position === active ? "active" : ""}`,
      title: isColumn ? `${node.name}.${columns[hit.column].name}` : node.name,
      data: { position },
      aria: {
        "aria-selected": String(position === active || chosen),
        "aria-posinset": String(position + 1),
        "aria-setsize": String(hits.length),
      },
    },
    element("span", { className: "name", textContent: isColumn ? columns[hit.column].name : node.name }),
    element("span", { className: "meta", textContent: isColumn ? node.name : node.kind }),
  );
  if (node.unparsed && !isColumn) made.classList.add("unparsed");
  made.style.top = `${position * RESULT_HEIGHT}px`;
  return made;
}

function moveActive(step) {
  if (!hits.length) return;
  active = Math.min(hits.length - 1, Math.max(0, active + step));
  const top = active * RESULT_HEIGHT;
  const room = resultsScroll.clientHeight - RESULT_HEIGHT;
  if (top < resultsScroll.scrollTop) resultsScroll.scrollTop = top;
  else if (top > resultsScroll.scrollTop + room) resultsScroll.scrollTop = top - room;
  drawResults();
}

function listenToSearch(choose) {
  onChoose = choose;
  input.addEventListener("input", search);
  resultsScroll.addEventListener("scroll", drawResults, { passive: true });
  input.addEventListener("keydown", (event) => {
    const page = Math.max(1, Math.floor(resultsScroll.clientHeight / RESULT_HEIGHT) - 1);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page };
    if (event.key in steps) {
      moveActive(steps[event.key]);
    } else if (event.key === "Enter" && hits[active]) {
      onChoose(hits[active].node, hits[active].column);
    } else if (event.key === "Escape") {
      if (input.value) {
        input.value = "";
        search();
      } else input.blur();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  results.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (!option) return;
    const hit = hits[Number(option.dataset.position)];
    active = Number(option.dataset.position);
    onChoose(hit.node, hit.column);
  });
}
