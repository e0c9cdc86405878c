// The document as arrays, and what a column reaches. The rules are those of plugins/core/lineage/graph.py.

const data = JSON.parse(document.getElementById("data").textContent);
const FIELDS = ["id", "name", "kind", "path", "materialized", "description", "unparsed"];
const DIRECT_KINDS = ["identity", "transformation", "aggregation"];

const columns = []; // {name, type, description, node, key}
const nodes = data.nodes.map((packed, index) => {
  const node = Object.fromEntries(FIELDS.map((field, n) => [field, packed[n]]));
  Object.assign(node, { index, first: columns.length, count: packed[7].length, up: [], down: [] });
  for (const [name, type, description] of packed[7]) {
    columns.push({ name, type, description, node: index, index: columns.length });
  }
  return node;
});
const edges = []; // {from: column, to: column or -1, node: node that it ends in, kind}
const into = columns.map(() => []); // direct edges by the column that they make
const outOf = columns.map(() => []); // all edges by the column that they start from
const rowsOf = nodes.map(() => []); // indirect edges by the node whose rows they decide about

for (let at = 0; at < data.edges.length; at += 3) {
  const [from, end, kind] = data.edges.slice(at, at + 3);
  const edge = { from, to: end < 0 ? -1 : end, node: end < 0 ? -1 - end : columns[end].node, kind: data.kinds[kind] };
  edges.push(edge);
  outOf[from].push(edge);
  (edge.to < 0 ? rowsOf[edge.node] : into[edge.to]).push(edge);
}
{
  const seen = new Set();
  const link = (above, below) => {
    const key = above * nodes.length + below;
    if (above === below || seen.has(key)) return;
    seen.add(key);
    nodes[above].down.push(below);
    nodes[below].up.push(above);
  };
  for (const [above, below] of data.depends) link(above, below);
  for (const edge of edges) link(columns[edge.from].node, edge.node);
}

const isConsumer = (node) => node.kind === "exposure" || node.kind === "metric";
const columnsOf = (node) => columns.slice(node.first, node.first + node.count);
const nodeOf = (column) => nodes[columns[column].node];

// Everything that the columns in `start` are made from: direct and indirect columns, unread nodes above.
function upstream(start, withIndirect) {
  const direct = new Set(start);
  const used = new Set();
  for (const column of direct) {
    for (const edge of into[column]) {
      direct.add(edge.from);
      used.add(edge);
    }
  }
  const touched = new Set([...direct].map((column) => columns[column].node));
  const indirect = new Set();
  const possible = new Set();
  for (const node of touched) {
    if (withIndirect) {
      for (const edge of rowsOf[node]) {
        used.add(edge);
        if (!direct.has(edge.from)) indirect.add(edge.from);
      }
    }
    if (nodes[node].unparsed) nodes[node].up.forEach((above) => possible.add(above));
  }
  start.forEach((column) => direct.delete(column));
  return { direct, indirect, possible, edges: used };
}

// Everything that the columns in `start` reach. A column that decides about rows touches every column of them.
function downstream(start, withIndirect) {
  const direct = new Set(start);
  const indirect = new Set();
  const used = new Set();
  const changed = new Set(); // nodes whose rows it decides about
  const spread = (column, seen, other) => {
    for (const edge of outOf[column]) {
      if (edge.to >= 0) {
        used.add(edge);
        if (!other.has(edge.to)) seen.add(edge.to);
      } else if (withIndirect) {
        used.add(edge);
        if (!changed.has(edge.node)) {
          changed.add(edge.node);
          columnsOf(nodes[edge.node]).forEach((c) => indirect.add(c.index));
        }
      }
    }
  };
  const nothing = new Set();
  for (const column of direct) spread(column, direct, nothing);
  for (const column of indirect) spread(column, indirect, direct);
  direct.forEach((column) => indirect.delete(column));
  const touched = new Set([...direct, ...indirect].map((column) => columns[column].node));
  changed.forEach((node) => touched.add(node));
  start.forEach((column) => direct.delete(column));
  return { direct, indirect, changed, possible: unreadBelow(touched), edges: used };
}

// Nodes that can't be read may use anything above them; exposures and metrics are known by model only.
function unreadBelow(touched) {
  const possible = new Set();
  const unread = nodes.filter((n) => n.unparsed && n.up.some((above) => touched.has(above)));
  for (const node of unread) possible.add(node.index);
  for (const node of possible) nodes[node].down.forEach((below) => possible.add(below));
  for (const node of nodes) {
    if (isConsumer(node) && node.up.some((above) => touched.has(above))) possible.add(node.index);
  }
  return possible;
}

// Nodes within `depth` steps above and below.
function neighbourhood(start, depth) {
  const found = new Set([start]);
  for (const side of ["up", "down"]) {
    let ring = [start];
    const seen = new Set(ring);
    for (let step = 0; step < depth && ring.length; step += 1) {
      const next = ring.flatMap((node) => nodes[node][side]).filter((node) => !seen.has(node) && seen.add(node));
      next.forEach((node) => found.add(node));
      ring = next;
    }
  }
  return found;
}
