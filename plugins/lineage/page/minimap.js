// All models, always, in one corner: what is lit, and where the stage is looking.

const minimap = document.getElementById("minimap");
const MINIMAP = { width: 208, height: 128, pad: 6 };
let overview = null; // the layout of all models with closed boxes

function minimapLayout() {
  if (view.whole) return view;
  overview ??= (({ boxes, ...area }) => ({ boxes, area }))(layOut(everything, () => BOX.head, orders.whole));
  return overview;
}

function minimapScale({ area }) {
  const wide = (MINIMAP.width - 2 * MINIMAP.pad) / (area.right - area.left);
  const high = (MINIMAP.height - 2 * MINIMAP.pad) / (area.bottom - area.top);
  const scale = Math.min(wide, high);
  return {
    scale,
    x: (MINIMAP.width - (area.right - area.left) * scale) / 2 - area.left * scale,
    y: (MINIMAP.height - (area.bottom - area.top) * scale) / 2 - area.top * scale,
  };
}

function drawMinimap() {
  const layout = minimapLayout();
  const { scale, x, y } = minimapScale(layout);
  const context = sizeCanvas(minimap, MINIMAP.width, MINIMAP.height);
  const paint = (node, box) => {
    const lit = view.litNodes.get(node);
    context.globalAlpha = lit ? 1 : state.node === null ? 0.85 : 0.28;
    context.fillStyle = lit ? (lit === "direct" || lit === "selected" ? colours.accent : colours.edge.filter) : kindColour(nodes[node].kind);
    const least = lit === "selected" ? 5 : lit ? 2.5 : 1;
    context.fillRect(
      box.x * scale + x,
      box.y * scale + y,
      Math.max(least, box.w * scale - 0.5),
      Math.max(least, Math.min(box.h * scale, 8) - 0.5),
    );
  };
  for (const [node, box] of layout.boxes) if (!view.litNodes.has(node)) paint(node, box);
  for (const [node, box] of layout.boxes) if (view.litNodes.has(node)) paint(node, box);
  context.globalAlpha = 1;
  if (view.whole) {
    const seen = visibleWorld();
    context.strokeStyle = colours.text;
    context.lineWidth = 1;
    context.strokeRect(
      seen.left * scale + x + 0.5,
      seen.top * scale + y + 0.5,
      (seen.right - seen.left) * scale,
      (seen.bottom - seen.top) * scale,
    );
  }
}

// Whole project: the stage moves there. Part of it: the nearest model is selected.
function listenToMinimap(onModel) {
  const point = (event) => {
    const { left, top } = minimap.getBoundingClientRect();
    const layout = minimapLayout();
    const { scale, x, y } = minimapScale(layout);
    return { layout, x: (event.clientX - left - x) / scale, y: (event.clientY - top - y) / scale };
  };
  const move = (event) => {
    const at = point(event);
    camera.x = camera.width / 2 - at.x * camera.scale;
    camera.y = camera.height / 2 - at.y * camera.scale;
    redraw();
  };
  minimap.addEventListener("pointerdown", (event) => {
    event.stopPropagation();
    if (view.whole) {
      minimap.setPointerCapture(event.pointerId);
      move(event);
      return;
    }
    const at = point(event);
    let best = null;
    for (const [node, box] of at.layout.boxes) {
      const far = Math.hypot(box.x + box.w / 2 - at.x, box.y + box.h / 2 - at.y);
      if (!best || far < best.far) best = { node, far };
    }
    if (best) onModel(best.node);
  });
  minimap.addEventListener("pointermove", (event) => {
    if (event.buttons && view.whole) move(event);
  });
}
