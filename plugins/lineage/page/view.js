// What is selected, and everything on stage that follows from it.

const SMALL = 60; // projects with no more models than this are shown whole

const state = {
  node: null,
  column: null,
  depth: nodes.length <= SMALL ? Infinity : 1,
  indirect: true,
  toggled: new Map(), // node → open or not, where a person said so
};
let view = { boxes: new Map() };
const everything = new Set(nodes.map((node) => node.index));
const orders = { whole: null, part: null, partOf: new Set() };

function computeView() {
  const lit = new Map();
  const litNodes = new Map();
  const named = new Set();
  view = { lit, litNodes, named, edges: new Set(), modelEdges: [], up: null, down: null, isDashed: () => true };
  if (state.column !== null) lightColumn();
  else if (state.node !== null) lightModel();
  view.shown = shownNodes();
  openBoxes();
  arrange();
  view.plain = plainLines();
  view.strokes = litStrokes();
}

const RANK = ["possible", "indirect", "direct", "selected"];

function lightNode(node, how) {
  if (RANK.indexOf(how) > RANK.indexOf(view.litNodes.get(node))) view.litNodes.set(node, how);
}

function lightColumn() {
  const up = upstream([state.column], state.indirect);
  const down = downstream([state.column], state.indirect);
  Object.assign(view, { up, down, edges: new Set([...up.edges, ...down.edges]) });
  for (const column of [...up.indirect, ...down.indirect]) view.lit.set(column, "indirect");
  for (const column of [...up.direct, ...down.direct]) view.lit.set(column, "direct");
  view.lit.set(state.column, "selected");
  view.named = new Set([state.column, ...up.direct, ...down.direct, ...up.indirect]);
  for (const [column, how] of view.lit) lightNode(columns[column].node, how);
  for (const node of down.changed) lightNode(node, "indirect");
  for (const node of [...up.possible, ...down.possible]) lightNode(node, "possible");
  for (const node of down.possible) {
    for (const above of nodes[node].up) if (view.litNodes.has(above)) view.modelEdges.push([above, node]);
  }
  for (const above of up.possible) {
    for (const node of nodes[above].down) {
      if (nodes[node].unparsed && view.litNodes.has(node)) view.modelEdges.push([above, node]);
    }
  }
}

function lightModel() {
  view.isDashed = (below) => Boolean(nodes[below].unparsed);
  lightNode(state.node, "selected");
  for (const side of ["up", "down"]) {
    const found = new Set([state.node]);
    for (const node of found) {
      for (const next of nodes[node][side]) {
        found.add(next);
        view.modelEdges.push(side === "up" ? [next, node] : [node, next]);
      }
    }
    found.forEach((node) => lightNode(node, "direct"));
    view[side === "up" ? "above" : "below"] = found.size - 1;
  }
}

function shownNodes() {
  if (state.node === null || state.depth === Infinity) return everything;
  if (state.column === null) return neighbourhood(state.node, Math.max(1, state.depth));
  return new Set([...view.litNodes.keys(), ...neighbourhood(state.node, state.depth)]);
}

function openBoxes() {
  const total = [...view.shown].reduce((sum, node) => sum + nodes[node].count, 0);
  view.openAll = total <= OPEN_ALL;
  view.open = new Set();
  view.rows = new Map();
  for (const node of view.shown) {
    if (view.openAll || (state.toggled.get(node) ?? node === state.node)) view.open.add(node);
    const rows = shownColumns(node);
    const place = new Map(rows.map((column, n) => [column.index, n]));
    view.rows.set(node, { rows, hidden: nodes[node].count - rows.length, place });
  }
}

// A box of a project that is shown whole keeps its place among the others, whatever is open.
function arrange() {
  const whole = view.shown === everything;
  const same = view.shown.size === orders.partOf.size && [...view.shown].every((node) => orders.partOf.has(node));
  const order = whole ? orders.whole : same ? orders.part : null;
  const { boxes, order: found, ...area } = layOut(view.shown, boxHeight, order);
  if (whole) orders.whole = found;
  else Object.assign(orders, { part: found, partOf: view.shown });
  Object.assign(view, { boxes, area, whole });
}
