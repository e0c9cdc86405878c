// Edges, and boxes that are too small to read, on a canvas under the boxes.

const canvas = document.getElementById("edges");
const KIND_COLOURS = ["source", "seed", "snapshot", "model", "exposure", "metric"];
const EDGE_COLOURS = ["identity", "transformation", "aggregation", "join", "filter", "group_by", "sort", "possible"];
const DASH = [7, 5];
let colours = {};

// The palette is the style sheet's, which knows about dark and light.
function readColours() {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(`--${name}`).trim();
  colours = { edge: {}, kind: {} };
  for (const kind of EDGE_COLOURS) colours.edge[kind] = read(`edge-${kind.replace("_", "-")}`);
  for (const kind of KIND_COLOURS) colours.kind[kind] = read(`kind-${kind}`);
  for (const name of ["line", "line-strong", "box", "accent", "text", "muted", "border"]) colours[name] = read(name);
}

const edgeColour = (kind) => colours.edge[kind] ?? (kind === "model" ? colours["line-strong"] : colours.edge.join);
const kindColour = (kind) => colours.kind[kind] ?? colours.kind.model;

function sizeCanvas(target, width, height) {
  const ratio = Math.min(2, window.devicePixelRatio || 1);
  if (target.width !== Math.round(width * ratio) || target.height !== Math.round(height * ratio)) {
    target.width = Math.round(width * ratio);
    target.height = Math.round(height * ratio);
  }
  const context = target.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

function drawEdges() {
  const context = sizeCanvas(canvas, camera.width, camera.height);
  context.translate(camera.x, camera.y);
  context.scale(camera.scale, camera.scale);
  const area = visibleWorld(20);
  const thin = 1 / Math.max(camera.scale, 0.25);
  context.lineCap = "round";
  context.strokeStyle = colours.line;
  context.lineWidth = 1.25 * thin;
  context.globalAlpha = state.node === null ? 1 : 0.45;
  context.beginPath();
  for (const line of view.plain) trace(context, line, area);
  context.stroke();
  for (const group of view.strokes) {
    context.globalAlpha = group.faint ? 0.4 : 1;
    context.strokeStyle = edgeColour(group.kind);
    context.lineWidth = (group.faint ? 1.25 : 2) * thin;
    context.setLineDash(group.dashed ? DASH.map((length) => length * thin) : []);
    context.beginPath();
    for (const line of group.lines) trace(context, line, area);
    context.stroke();
  }
  context.setLineDash([]);
  context.globalAlpha = 1;
  if (camera.scale < READABLE) drawShapes(context, area);
}

function trace(context, [x1, y1, x2, y2], area) {
  if (Math.max(x1, x2) < area.left || Math.min(x1, x2) > area.right) return;
  if (Math.max(y1, y2) < area.top || Math.min(y1, y2) > area.bottom) return;
  const bend = Math.max(36, Math.abs(x2 - x1) * 0.45);
  context.moveTo(x1, y1);
  context.bezierCurveTo(x1 + bend, y1, x2 - bend, y2, x2, y2);
}

function drawShapes(context, area) {
  const named = camera.scale > 0.17;
  context.font = `600 ${Math.min(40, 11 / camera.scale)}px system-ui, sans-serif`;
  context.textBaseline = "middle";
  for (const [node, box] of view.boxes) {
    if (box.x > area.right || box.x + box.w < area.left || box.y > area.bottom || box.y + box.h < area.top) continue;
    const lit = view.litNodes.get(node);
    const dim = state.node !== null && !lit;
    context.globalAlpha = dim ? 0.3 : 1;
    context.fillStyle = lit === "selected" ? colours.accent : colours.box;
    context.strokeStyle = lit && lit !== "possible" ? colours.accent : colours.border;
    context.lineWidth = (lit ? 2 : 1) / camera.scale;
    context.beginPath();
    context.roundRect(box.x, box.y, box.w, box.h, 8);
    context.fill();
    context.stroke();
    context.fillStyle = kindColour(nodes[node].kind);
    context.fillRect(box.x, box.y, Math.max(8, 3 / camera.scale), box.h);
    if (named && !dim) {
      context.save();
      context.clip();
      context.fillStyle = lit === "selected" ? colours.box : colours.text;
      context.fillText(nodes[node].name, box.x + 18, box.y + Math.min(box.h, BOX.head) / 2);
      context.restore();
    }
  }
  context.globalAlpha = 1;
}

// Where an edge leaves or enters: the column's row where that is shown, else the head of its box.
function anchor(node, column, side) {
  const box = view.boxes.get(node);
  const row = column < 0 ? -1 : (view.rows.get(node).place.get(column) ?? -1);
  const y = row < 0 ? BOX.head / 2 : BOX.head + (row + 0.5) * BOX.row;
  return [box.x + (side === "right" ? box.w : 0), box.y + y, row];
}

// Model edges that are not lit, as plain lines.
function plainLines() {
  const lines = [];
  for (const node of view.boxes.keys()) {
    for (const below of nodes[node].down) {
      if (!view.boxes.has(below)) continue;
      const [x1, y1] = anchor(node, -1, "right");
      const [x2, y2] = anchor(below, -1, "left");
      lines.push([x1, y1, x2, y2]);
    }
  }
  return lines;
}

// Lit edges in groups of one look. Edges between hidden columns of the same two boxes are drawn once.
function litStrokes() {
  const groups = new Map();
  const seen = new Set();
  const add = (fromNode, from, toNode, to, kind, dashed, faint) => {
    if (!view.boxes.has(fromNode) || !view.boxes.has(toNode) || fromNode === toNode) return;
    const [x1, y1, leaves] = anchor(fromNode, from, "right");
    const [x2, y2, enters] = anchor(toNode, to, "left");
    const line = `${fromNode}/${leaves}/${toNode}/${enters}/${kind}/${dashed}`;
    if (seen.has(line)) return;
    seen.add(line);
    const look = `${faint ? 0 : 1}${dashed ? 0 : 1}${kind}`;
    if (!groups.has(look)) groups.set(look, { kind, dashed, faint, lines: [] });
    groups.get(look).lines.push([x1, y1, x2, y2]);
  };
  for (const edge of view.edges) {
    const from = view.lit.get(edge.from);
    const faint = edge.to >= 0 && from === "indirect";
    add(columns[edge.from].node, edge.from, edge.node, edge.to, edge.kind, edge.to < 0 || faint, faint);
  }
  for (const [above, below] of view.modelEdges) add(above, -1, below, -1, view.isDashed(below) ? "possible" : "model", view.isDashed(below), false);
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
}
