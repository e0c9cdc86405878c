// Events in, drawing out.

let queued = false;

function redraw() {
  if (queued) return;
  queued = true;
  requestAnimationFrame(() => {
    queued = false;
    drawBoxes();
    drawEdges();
    drawMinimap();
  });
}

const say = (text) => (document.getElementById("status").textContent = text);

// Shows what `state` says. `held`: a node that stays where it is on screen; without it everything is fitted.
function show(held = null) {
  const before = held === null ? null : view.boxes.get(held);
  const shownBefore = view.shown;
  computeView();
  const after = before && view.boxes.get(held);
  if (after && (view.whole || sameNodes(shownBefore, view.shown))) {
    camera.x += (before.x - after.x) * camera.scale;
    camera.y += (before.y - after.y) * camera.scale;
  } else fit();
  remakeBoxes();
  drawPanel();
  drawLegend();
  drawResults();
  document.getElementById("minimap-label").textContent =
    `All ${plural(nodes.length, "node")}${view.whole ? "" : `, ${view.shown.size.toLocaleString("en")} on stage`}`;
  redraw();
}

const sameNodes = (a, b) => a.size === b.size && [...a].every((node) => b.has(node));

function fit() {
  const box = state.node === null ? undefined : view.boxes.get(state.node);
  const least = box ? 0.75 : view.shown.size <= SMALL ? READABLE * 1.05 : undefined;
  fitTo(view.area, { least, anchor: box });
}

function select(node, column, { held = null, push = true } = {}) {
  if (state.node === node && state.column === column && held !== null) return;
  Object.assign(state, { node, column });
  if (push) history.pushState(null, "", node === null ? location.pathname + location.search : hashOf(node, column));
  show(held);
  announce();
}

function announce() {
  if (state.column !== null) {
    const { up, down } = view;
    say(
      `${nodeOf(state.column).name}.${columns[state.column].name}: made from ${plural(up.direct.size, "column")}, ` +
        `makes ${plural(down.direct.size, "column")}`,
    );
  } else if (state.node !== null) say(`${nodes[state.node].name}: ${plural(nodes[state.node].count, "column")}`);
  else say("Nothing selected");
}

function readHash() {
  if (location.hash.length < 2) return select(null, null, { push: false });
  const place = placeOf(location.hash);
  if (place) return select(place.node, place.column, { push: false });
  select(null, null, { push: false });
  const said = `Nothing here is named ${decoded(location.hash.slice(1))}.`;
  panel.prepend(element("p", { className: "notice", textContent: said }));
  return say(said);
}

function drawLegend() {
  const kinds = new Set(edges.map((edge) => edge.kind));
  const item = (kind, text, dashed) =>
    element("li", { className: dashed ? "dashed" : "", data: { kind } }, element("i"), text);
  const list = EDGE_COLOURS.filter((kind) => kinds.has(kind)).map((kind) =>
    item(kind, kind.replace("_", " "), !DIRECT_KINDS.includes(kind)));
  if (nodes.some((node) => node.unparsed || isConsumer(node))) list.push(item("possible", "may use", true));
  document.getElementById("legend").replaceChildren(...list);
}

function drawDepths() {
  const choices = [[0, "Path"], [1, "1"], [2, "2"], [3, "3"], [Infinity, "All"]];
  const titles = { Path: "Only what is on the path", All: "All models" };
  document.getElementById("depths").replaceChildren(
    ...choices.map(([depth, text]) => {
      const title = titles[text] ?? `And models within ${plural(depth, "step")}`;
      const made = element("button", {
        type: "button", textContent: text, title, data: { depth }, aria: { "aria-pressed": String(state.depth === depth) },
      });
      made.addEventListener("click", () => {
        state.depth = depth;
        drawDepths();
        show();
        document.querySelector(`#depths [data-depth="${depth}"]`).focus();
      });
      return made;
    }),
  );
}

function clickStage(event) {
  const button = event.target.closest("#world button");
  if (!button) return;
  const { column, node, toggle } = button.dataset;
  if (column !== undefined) select(columns[column].node, Number(column), { held: columns[column].node });
  else if (node !== undefined) select(Number(node), null, { held: Number(node) });
  else {
    state.toggled.set(Number(toggle), !view.open.has(Number(toggle)));
    show(Number(toggle));
  }
}

// Boxes that are only shapes, and the empty stage.
function clickCanvas({ x, y }) {
  const at = toWorld(x, y);
  for (const [node, box] of view.boxes) {
    if (at.x >= box.x && at.x <= box.x + box.w && at.y >= box.y && at.y <= box.y + box.h) {
      if (camera.scale < READABLE) select(node, null);
      return;
    }
  }
}

// Arrow keys among the boxes: up and down within one, left and right along what is lit.
function walk(event) {
  const here = document.activeElement?.closest?.("#world button");
  if (!here) return false;
  const box = here.closest(".box");
  if (event.key === "ArrowUp" || event.key === "ArrowDown") {
    const all = [...box.querySelectorAll("button")];
    const next = all[all.indexOf(here) + (event.key === "ArrowDown" ? 1 : -1)];
    next?.focus({ preventScroll: true });
    return true;
  }
  const side = { ArrowLeft: "up", ArrowRight: "down" }[event.key];
  if (!side) return false;
  const near = nodes[Number(box.dataset.box)][side].filter((node) => view.boxes.has(node));
  const next = near.find((node) => view.litNodes.has(node)) ?? near[0];
  if (next !== undefined) focusBox(next);
  return true;
}

function focusBox(node) {
  reveal(view.boxes.get(node));
  drawBoxes();
  const made = drawn.get(node);
  (made?.querySelector(".col.lit-direct, .col.lit-selected") ?? made?.querySelector(".head"))?.focus({ preventScroll: true });
}

function pressKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target === input) return;
  const actions = {
    "/": () => { input.focus(); input.select(); },
    "+": () => zoomBy(1.25), "=": () => zoomBy(1.25), "-": () => zoomBy(0.8), 0: fit,
    Escape: () => (state.column !== null ? select(state.node, null, { held: state.node }) : select(null, null)),
  };
  if (actions[event.key]) actions[event.key]();
  else if (!walk(event)) return;
  event.preventDefault();
}

function start() {
  const unread = nodes.filter((node) => node.unparsed).length;
  const tables = nodes.filter((node) => !isConsumer(node)).length;
  document.getElementById("project").textContent = data.project;
  document.getElementById("counts").textContent = [
    plural(tables, "table"), plural(columns.length, "column"), plural(edges.length, "edge"),
    unread ? `${unread} not read` : "",
  ].filter(Boolean).join(" · ");
  readColours();
  measureStage();
  drawDepths();
  listenToSearch((node, column) => select(node, column));
  listenToPointers(clickCanvas);
  listenToMinimap((node) => select(node, null));
  stage.addEventListener("click", clickStage);
  document.addEventListener("keydown", pressKey);
  window.addEventListener("hashchange", readHash);
  document.getElementById("skip").addEventListener("click", (event) => { event.preventDefault(); input.focus(); });
  document.getElementById("zoom-in").addEventListener("click", () => zoomBy(1.25));
  document.getElementById("zoom-out").addEventListener("click", () => zoomBy(0.8));
  document.getElementById("fit").addEventListener("click", fit);
  const indirect = document.getElementById("indirect");
  indirect.addEventListener("click", () => {
    state.indirect = !state.indirect;
    indirect.setAttribute("aria-pressed", String(state.indirect));
    show(state.node);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { readColours(); redraw(); });
  new ResizeObserver(() => { measureStage(); drawResults(); redraw(); }).observe(stage);
  search();
  readHash();
}

start();
