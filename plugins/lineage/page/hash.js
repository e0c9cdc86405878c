// Permalinks: `#model.column`. A name that several nodes have is written as the node's id.

const byName = new Map();
const byId = new Map(nodes.map((node) => [node.id, node]));
for (const node of nodes) {
  const key = node.name.toLowerCase();
  byName.set(key, byName.has(key) ? null : node);
}

const escapeDots = (text) => encodeURIComponent(text.toWellFormed()).replaceAll(".", "%2E");

function hashOf(node, column) {
  const { id, name } = nodes[node];
  const isUnique = byName.get(name.toLowerCase()) && name.isWellFormed();
  const model = isUnique ? escapeDots(name) : encodeURIComponent(id.toWellFormed());
  return `#${model}${column === null ? "" : `.${escapeDots(columns[column].name)}`}`;
}

// A node by id, by name, or by the end of its id (`raw.orders`).
function findNode(text) {
  const found = byId.get(text) ?? byName.get(text.toLowerCase());
  if (found) return found;
  const ends = nodes.filter((node) => node.id.toLowerCase().endsWith(`.${text.toLowerCase()}`));
  return ends.length === 1 ? ends[0] : null;
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

// What a hash means: {node, column}, or null.
function placeOf(hash) {
  const text = hash.replace(/^#/, "");
  const dot = text.lastIndexOf(".");
  const model = dot > 0 ? findNode(decoded(text.slice(0, dot))) : null;
  if (model) {
    const name = decoded(text.slice(dot + 1));
    const all = columnsOf(model);
    const column = all.find((c) => c.name === name) ?? all.find((c) => c.name.toLowerCase() === name.toLowerCase());
    if (column) return { node: model.index, column: column.index };
  }
  const node = findNode(decoded(text));
  return node ? { node: node.index, column: null } : null;
}
