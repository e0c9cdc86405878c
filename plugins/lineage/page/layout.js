// A layered drawing: layers by longest path, order by barycentre sweeps (Sugiyama, Tagawa and Toda 1981).

const BOX = { width: 232, head: 46, row: 22, foot: 24, gapX: 84, gapY: 18, pad: 6 };
const SWEEPS = 6;

// Node → {x, y, w, h}, with the bounds of all. `height` gives a node's height; `order` is kept between calls
// with the same nodes, so that boxes grow in place.
function layOut(shown, height, order) {
  const rows = order ?? orderLayers(shown);
  const boxes = new Map();
  const tallest = heightLimit(rows, height);
  let x = 0;
  const stacks = [];
  for (const layer of rows) {
    const parts = splitLayer(layer, height, tallest);
    parts.forEach((part, n) => {
      let y = 0;
      for (const node of part) {
        const h = height(node);
        boxes.set(node, { x, y, w: BOX.width, h });
        y += h + BOX.gapY;
      }
      x += BOX.width + (n < parts.length - 1 ? BOX.gapX / 3 : BOX.gapX);
    });
    parts.forEach((part) => stacks.push({ part, isWhole: parts.length === 1 }));
  }
  settle(stacks, boxes);
  return { boxes, order: rows, ...bounds(boxes) };
}

function orderLayers(shown) {
  const layer = layersOf(shown);
  const rows = [];
  for (const node of [...shown].sort((a, b) => compareNames(nodes[a], nodes[b]))) {
    (rows[layer.get(node)] ??= []).push(node);
  }
  const place = new Map();
  const number = (row) => row.forEach((node, n) => place.set(node, (n + 0.5) / row.length));
  const filled = rows.filter(Boolean);
  filled.forEach(number);
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const side = sweep % 2 ? "down" : "up";
    for (const row of sweep % 2 ? [...filled].reverse() : filled) {
      const centre = new Map(row.map((node) => [node, mean(nodes[node][side], place) ?? place.get(node)]));
      row.sort((a, b) => centre.get(a) - centre.get(b));
      number(row);
    }
  }
  return filled;
}

const compareNames = (a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.index - b.index);

function mean(near, place) {
  let sum = 0;
  let count = 0;
  for (const node of near) {
    const at = place.get(node);
    if (at !== undefined) {
      sum += at;
      count += 1;
    }
  }
  return count ? sum / count : undefined;
}

// Longest path from what has nothing above; then what starts a path moves next to its first reader.
function layersOf(shown) {
  const layer = new Map();
  const waiting = new Map();
  const inside = (list) => list.filter((node) => shown.has(node));
  let ready = [];
  for (const node of shown) {
    waiting.set(node, inside(nodes[node].up).length);
    if (!waiting.get(node)) ready.push(node);
  }
  const done = [];
  ready.forEach((node) => layer.set(node, 0));
  while (done.length < shown.size) {
    if (!ready.length) {
      // A cycle, which no real project has: cut it anywhere.
      const cut = [...shown].find((node) => waiting.get(node) > 0);
      waiting.set(cut, 0);
      if (!layer.has(cut)) layer.set(cut, 0);
      ready = [cut];
    }
    const node = ready.pop();
    done.push(node);
    for (const below of inside(nodes[node].down)) {
      if (waiting.get(below) <= 0) continue;
      layer.set(below, Math.max(layer.get(below) ?? 0, layer.get(node) + 1));
      waiting.set(below, waiting.get(below) - 1);
      if (waiting.get(below) === 0) ready.push(below);
    }
  }
  for (const node of done.reverse()) {
    const below = inside(nodes[node].down).map((other) => layer.get(other));
    if (!inside(nodes[node].up).length && below.length) {
      layer.set(node, Math.max(0, below.reduce((least, at) => Math.min(least, at)) - 1));
    }
  }
  return layer;
}

// Very tall layers are broken into several columns, so that the whole is not much taller than wide.
function heightLimit(rows, height) {
  const tall = rows.map((row) => row.reduce((sum, node) => sum + height(node) + BOX.gapY, 0));
  const area = tall.reduce((sum, h) => sum + h, 0) * (BOX.width + BOX.gapX * 0.5);
  return Math.max(900, Math.sqrt(area / 1.1));
}

function splitLayer(layer, height, limit) {
  const total = layer.reduce((sum, node) => sum + height(node) + BOX.gapY, 0);
  const count = Math.ceil(total / limit);
  const parts = Array.from({ length: count }, () => []);
  let used = 0;
  for (const node of layer) {
    const h = height(node) + BOX.gapY;
    parts[Math.min(count - 1, Math.floor(((used + h / 2) / total) * count))].push(node);
    used += h;
  }
  return parts.filter((part) => part.length);
}

// Moves boxes up and down, in their order and without overlaps, towards the middle of their neighbours.
// Layers that were broken into several columns stay blocks.
function settle(stacks, boxes) {
  const middle = new Map();
  const measure = (part) => part.forEach((n) => middle.set(n, boxes.get(n).y + boxes.get(n).h / 2));
  const tallest = Math.max(0, ...stacks.map(({ part }) => extent(part, boxes)));
  for (const { part } of stacks) {
    const spare = (tallest - extent(part, boxes)) / 2;
    part.forEach((node) => (boxes.get(node).y += spare));
    measure(part);
  }
  for (let sweep = 0; sweep < 4; sweep += 1) {
    const side = sweep % 2 ? "down" : "up";
    for (const { part, isWhole } of sweep % 2 ? [...stacks].reverse() : stacks) {
      if (!isWhole) continue;
      const wanted = part.map((n) => (mean(nodes[n][side], middle) ?? middle.get(n)) - boxes.get(n).h / 2);
      placeInOrder(part, wanted, boxes);
      measure(part);
    }
  }
}

const extent = (part, boxes) => part.reduce((sum, node) => sum + boxes.get(node).h + BOX.gapY, -BOX.gapY);

// Least squares with a fixed order: neighbours that collide form blocks at their common mean.
function placeInOrder(part, wanted, boxes) {
  const blocks = [];
  part.forEach((node, n) => {
    let block = { members: [node], sum: wanted[n], offset: boxes.get(node).h + BOX.gapY };
    while (blocks.length && blocks.at(-1).y + blocks.at(-1).offset > block.sum / block.members.length) {
      const above = blocks.pop();
      block = {
        members: above.members.concat(block.members),
        sum: above.sum + block.sum - above.offset * block.members.length,
        offset: above.offset + block.offset,
      };
    }
    block.y = block.sum / block.members.length;
    blocks.push(block);
  });
  for (const block of blocks) {
    let y = block.y;
    for (const node of block.members) {
      boxes.get(node).y = y;
      y += boxes.get(node).h + BOX.gapY;
    }
  }
}

function bounds(boxes) {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const box of boxes.values()) {
    left = Math.min(left, box.x);
    top = Math.min(top, box.y);
    right = Math.max(right, box.x + box.w);
    bottom = Math.max(bottom, box.y + box.h);
  }
  if (!boxes.size) [left, top, right, bottom] = [0, 0, 1, 1];
  return { left, top, right, bottom };
}
