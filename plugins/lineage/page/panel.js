// The right side: what is selected, in words and links.

const panel = document.getElementById("panel");
const FIRST = 40; // models listed before "show all"

const link = (text, node, column, className = "") =>
  element("a", { href: hashOf(node, column), textContent: text, className, data: { link: placeName(node, column) } });

const placeName = (node, column) => (column === null ? nodes[node].id : `${nodes[node].id}.${columns[column].name}`);

function drawPanel() {
  const parts = state.column !== null ? columnPanel() : state.node !== null ? modelPanel() : projectPanel();
  panel.replaceChildren(...parts.filter(Boolean));
  panel.scrollTop = 0;
}

function projectPanel() {
  const kinds = new Map();
  for (const node of nodes) kinds.set(node.kind, (kinds.get(node.kind) ?? 0) + 1);
  const facts = [...kinds].sort(([a], [b]) => (a < b ? -1 : 1)).map(([kind, count]) => [plural(count, kind), kind]);
  const unread = nodes.filter((node) => node.unparsed);
  return [
    element("h2", { textContent: data.project }),
    element("p", { className: "lead", textContent: "Choose a model, then one of its columns, to see where it comes from and what it reaches." }),
    element("ul", { className: "chips" }, ...facts.map(([text, kind]) =>
      element("li", { className: `chip kind-${KIND_STYLES.has(kind) ? kind : "model"}`, textContent: text }))),
    unread.length ? section(`Not read`, unread.length, unread.map((node) => unreadItem(node)), "warn") : null,
    shortcuts(),
  ];
}

function unreadItem(node) {
  return element("li", {}, link(node.name, node.index, null), element("span", { className: "reason", textContent: node.unparsed }));
}

function shortcuts() {
  const keys = [
    ["/", "search"], ["↑ ↓", "move in results, columns and models"], ["← →", "follow the path"],
    ["Enter", "select"], ["Esc", "step back"], ["+ −", "zoom"], ["0", "fit"],
  ];
  const rows = keys.flatMap(([key, does]) => [
    element("dt", {}, ...key.split(" ").map((one) => element("kbd", { textContent: one }))),
    element("dd", { textContent: does }),
  ]);
  return element("section", {}, element("h3", { textContent: "Keys" }), element("dl", { className: "keys" }, ...rows));
}

function modelPanel() {
  const node = nodes[state.node];
  return [
    ...nodeHeading(node),
    element("h2", { textContent: node.name }),
    ...nodeFacts(node),
    element("p", { className: "headline", textContent: `${plural(view.above, "node")} above, ${plural(view.below, "node")} below` }),
    section("Columns", node.count, columnsOf(node).map((c) => columnItem(c)), "columns-list"),
    section("Reads", node.up.length, named(node.up).map((n) => element("li", {}, link(nodes[n].name, n, null)))),
    section("Read by", node.down.length, named(node.down).map((n) => element("li", {}, link(nodes[n].name, n, null)))),
  ];
}

const named = (list) => [...list].sort((a, b) => compareNames(nodes[a], nodes[b]));

function nodeHeading(node) {
  const words = [node.kind, node.kind === "model" ? node.materialized : ""].filter(Boolean).join(" · ");
  return [element("p", { className: `eyebrow kind-${KIND_STYLES.has(node.kind) ? node.kind : "model"}`, textContent: words })];
}

function nodeFacts(node) {
  return [
    node.path ? element("p", { className: "path" }, element("code", { textContent: node.path })) : null,
    node.unparsed
      ? element("p", { className: "notice" }, element("strong", { textContent: "Not read: " }), node.unparsed,
          element("span", { className: "more", textContent: " It may use any column of what it reads." }))
      : null,
    node.description ? element("p", { className: "description", textContent: node.description }) : null,
  ];
}

function columnItem(column) {
  return element("li", {}, link(column.name, column.node, column.index),
    element("span", { className: "type", textContent: column.type.toLowerCase() }));
}

function columnPanel() {
  const column = columns[state.column];
  const node = nodes[column.node];
  const { up, down } = view;
  const models = new Set([...down.direct, ...down.indirect].map((c) => columns[c].node));
  down.changed.forEach((n) => models.add(n));
  models.delete(node.index);
  const below = new Set([node.index]);
  for (const n of below) nodes[n].down.forEach((next) => below.add(next));
  const use = new Set([...models, ...down.possible]);
  const isModel = (n) => n !== node.index && !isConsumer(nodes[n]);
  return [
    ...nodeHeading(node),
    element("h2", {}, link(node.name, node.index, null, "of"), element("wbr"), `.${column.name}`),
    column.type ? element("p", { className: "path" }, element("code", { textContent: column.type.toLowerCase() })) : null,
    column.description ? element("p", { className: "description", textContent: column.description }) : null,
    element("p", {
      className: "headline",
      textContent: `${[...use].filter(isModel).length} of ${plural([...below].filter(isModel).length, "downstream model")} use ${state.indirect ? "this column" : "its values"}`,
    }),
    node.unparsed ? nodeFacts(node)[1] : null,
    grouped("Made from", up.direct, "up-direct"),
    grouped("Rows decided by", up.indirect, "up-indirect"),
    grouped("Makes", down.direct, "down-direct"),
    grouped("Decides about rows of", down.indirect, "down-indirect", down.changed),
    possibleSection("May be made from", up.possible, "up-possible"),
    possibleSection("May be used by", down.possible, "down-possible"),
    element("details", { className: "about" }, element("summary", { textContent: `About ${node.name}` }), ...nodeFacts(node).filter(Boolean)),
  ];
}

function possibleSection(title, found, name) {
  return section(title, found.size, named(found).map((n) => element("li", {}, link(nodes[n].name, n, null))), name);
}

// Columns under their models, as links. `whole`: models that are reached even where no column is known.
function grouped(title, found, name, whole = new Set()) {
  const models = new Map([...whole].map((node) => [node, []]));
  for (const c of found) {
    if (!models.has(columns[c].node)) models.set(columns[c].node, []);
    models.get(columns[c].node).push(c);
  }
  const items = named(models.keys()).map((n) => () => groupItem(n, models.get(n).sort((a, b) => a - b)));
  return section(title, found.size, items, name);
}

function groupItem(node, found) {
  const all = found.length === nodes[node].count && found.length > 3;
  const links = found.map((c) => element("li", {}, link(columns[c].name, node, c), kindChip(c)));
  const list = element("ul", { className: "inner" }, ...links);
  const head = link(nodes[node].name, node, null, "model");
  if (!all) return element("li", {}, head, list);
  return element("li", {}, head, element("details", {}, element("summary", { textContent: `all ${found.length} columns` }), list));
}

function kindChip(column) {
  const edge = into[state.column].find((e) => e.from === column) ?? into[column].find((e) => e.from === state.column)
    ?? rowsOf[columns[state.column].node].find((e) => e.from === column);
  if (!edge) return null;
  const text = edge.kind.replace("_", " ");
  return element("span", { className: "kind", textContent: text, data: { kind: EDGE_COLOURS.includes(edge.kind) ? edge.kind : "join" } });
}

// items: elements, or functions that make them when they are shown.
function section(title, count, items, name = "") {
  if (!count && !items.length) return null;
  const list = element("ul", { className: "list" });
  const add = (some) => list.append(...some.map((item) => (typeof item === "function" ? item() : item)));
  add(items.slice(0, FIRST));
  const heading = element("h3", { textContent: `${title} ` }, );
  heading.append(element("span", { className: "count", textContent: count.toLocaleString("en") }));
  const made = element("section", { className: name, data: { section: name } }, heading, list);
  if (items.length > FIRST) {
    const more = element("button", { type: "button", className: "more-button", textContent: `Show all ${items.length.toLocaleString("en")}` });
    more.addEventListener("click", () => {
      add(items.slice(FIRST));
      more.remove();
    });
    made.append(more);
  }
  return made;
}
