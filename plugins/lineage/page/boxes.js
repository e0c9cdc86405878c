// Models as boxes of HTML, so that they can be read, focused and clicked. Only what is on screen exists.

const READABLE = 0.42; // below this scale boxes are shapes on the canvas
const OPEN_ALL = 160; // with no more columns than this on stage, every box is open

const world = document.getElementById("world");
const drawn = new Map(); // node → its element

function element(tag, properties = {}, ...children) {
  const { data: dataset = {}, aria = {}, ...rest } = properties;
  const made = Object.assign(document.createElement(tag), rest);
  Object.assign(made.dataset, dataset);
  for (const [name, value] of Object.entries(aria)) made.setAttribute(name, value);
  made.append(...children.filter((child) => child !== null));
  return made;
}

const plural = (count, word) => `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;

// The columns that a box shows: all when it is open, else those on the path that mean something one by one.
function shownColumns(node) {
  const all = columnsOf(nodes[node]);
  return view.open.has(node) ? all : all.filter((column) => view.named.has(column.index));
}

function boxHeight(node) {
  const { rows } = view.rows.get(node);
  const foot = nodes[node].count && !view.openAll ? BOX.foot : 0;
  return BOX.head + (rows.length ? rows.length * BOX.row + BOX.pad : 0) + foot;
}

function drawBoxes() {
  const area = visibleWorld(120);
  const readable = camera.scale >= READABLE;
  world.hidden = !readable;
  world.style.transform = `translate(${camera.x}px, ${camera.y}px) scale(${camera.scale})`;
  const wanted = new Set();
  if (readable) {
    for (const [node, box] of view.boxes) {
      if (box.x < area.right && box.x + box.w > area.left && box.y < area.bottom && box.y + box.h > area.top) {
        wanted.add(node);
      }
    }
  }
  const kept = document.activeElement?.closest?.(".box");
  for (const [node, made] of drawn) {
    // What has the focus stays, or the keyboard would lose its place.
    if (!wanted.has(node) && made !== kept) {
      made.remove();
      drawn.delete(node);
    }
  }
  for (const node of wanted) {
    if (!drawn.has(node)) {
      const made = makeBox(node);
      drawn.set(node, made);
      world.append(made);
    }
  }
}

// After a change of what is lit: boxes are made again, and the focus goes back to where it was.
function remakeBoxes() {
  const focused = document.activeElement?.closest?.("#world") ? document.activeElement.dataset : null;
  const key = focused && { ...focused };
  drawn.clear();
  world.replaceChildren();
  drawBoxes();
  if (key) [...world.querySelectorAll("button")].find((b) => b.dataset.at === key.at)?.focus({ preventScroll: true });
}

function makeBox(node) {
  const { name, kind, materialized, unparsed, count } = nodes[node];
  const { rows, hidden } = view.rows.get(node);
  const box = view.boxes.get(node);
  const lit = view.litNodes.get(node);
  const meta = [kind, kind === "model" ? materialized : ""].filter(Boolean).join(" · ");
  const head = element(
    "button",
    {
      type: "button",
      className: "head",
      title: unparsed ? `${name}\nnot read: ${unparsed}` : name,
      data: { at: `n${node}`, node },
      aria: { "aria-pressed": String(state.node === node && state.column === null) },
    },
    element("span", { className: "name", textContent: name }),
    element("span", { className: "meta", textContent: meta }),
  );
  if (unparsed) head.append(element("span", { className: "badge", textContent: "not read" }));
  else if (lit === "indirect") head.append(element("span", { className: "badge rows", textContent: "rows" }));
  else if (lit === "possible") head.append(element("span", { className: "badge rows", textContent: "may use" }));
  const list = element("div", { className: "columns" }, ...rows.map((column) => makeRow(column)));
  const foot =
    count && !view.openAll
      ? element("button", {
          type: "button",
          className: "foot",
          textContent: footText(node, rows, hidden),
          data: { at: `f${node}`, toggle: node },
          aria: { "aria-expanded": String(view.open.has(node)), "aria-label": `${footText(node, rows, hidden)} of ${name}` },
        })
      : null;
  const made = element(
    "div",
    {
      className: `box kind-${KIND_STYLES.has(kind) ? kind : "model"} ${boxClass(node, lit)}`,
      role: "group",
      data: { box: node },
      aria: { "aria-label": `${meta} ${name}` },
    },
    head,
    list,
    foot,
  );
  made.style.transform = `translate(${box.x}px, ${box.y}px)`;
  made.style.height = `${box.h}px`;
  return made;
}

const KIND_STYLES = new Set(["source", "seed", "snapshot", "model", "exposure", "metric"]);

function boxClass(node, lit) {
  const dimmed = state.node !== null && !lit ? "dim" : "";
  return [lit ? `lit-${lit}` : "", dimmed, nodes[node].unparsed ? "unparsed" : ""].join(" ");
}

function footText(node, rows, hidden) {
  if (!view.open.has(node)) return rows.length ? `+ ${plural(hidden, "column")}` : plural(hidden, "column");
  return "Show less";
}

function makeRow(column) {
  const lit = view.lit.get(column.index);
  return element(
    "button",
    {
      type: "button",
      className: `col ${lit ? `lit-${lit}` : state.column !== null ? "dim" : ""}`,
      title: [column.name, column.type, column.description].filter(Boolean).join("\n"),
      data: { at: `c${column.index}`, column: column.index },
      aria: { "aria-pressed": String(state.column === column.index) },
    },
    element("span", { className: "name", textContent: column.name }),
    element("span", { className: "type", textContent: column.type.toLowerCase() }),
  );
}
