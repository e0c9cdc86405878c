// Pan and zoom of the stage: a world point p is on screen at p * scale + offset.

const LEAST_SCALE = 0.02;
const MOST_SCALE = 2;
const CLICK = 4; // pixels that a press may move and still be a click

const stage = document.getElementById("stage");
const camera = { scale: 1, x: 0, y: 0, width: 1, height: 1 };

const toWorld = (x, y) => ({ x: (x - camera.x) / camera.scale, y: (y - camera.y) / camera.scale });
const clampScale = (scale) => Math.min(MOST_SCALE, Math.max(LEAST_SCALE, scale));

function visibleWorld(margin = 0) {
  const { x: left, y: top } = toWorld(-margin, -margin);
  const { x: right, y: bottom } = toWorld(camera.width + margin, camera.height + margin);
  return { left, top, right, bottom };
}

function zoomAt(x, y, factor) {
  const scale = clampScale(camera.scale * factor);
  camera.x = x - ((x - camera.x) * scale) / camera.scale;
  camera.y = y - ((y - camera.y) * scale) / camera.scale;
  camera.scale = scale;
  redraw();
}

const zoomBy = (factor) => zoomAt(camera.width / 2, camera.height / 2, factor);

// Shows all of `area` where that stays readable (`least`), else its middle at that scale.
function fitTo(area, { least = LEAST_SCALE, most = 1, anchor } = {}) {
  const pad = 56;
  const wide = (camera.width - 2 * pad) / (area.right - area.left);
  const high = (camera.height - 2 * pad) / (area.bottom - area.top);
  camera.scale = clampScale(Math.min(most, Math.max(least, Math.min(wide, high))));
  const centre = { x: (area.left + area.right) / 2, y: (area.top + area.bottom) / 2 };
  const at = anchor ? { x: anchor.x + anchor.w / 2, y: anchor.y + Math.min(anchor.h, 320) / 2 } : centre;
  // Around the anchor where not everything fits, but never showing emptiness instead of boxes.
  const place = (room, start, end, wanted) => {
    const [size, shift] = [(end - start) * camera.scale, room / 2 - wanted * camera.scale];
    if (size <= room - 2 * pad) return room / 2 - ((start + end) / 2) * camera.scale;
    return Math.min(pad - start * camera.scale, Math.max(room - pad - end * camera.scale, shift));
  };
  camera.x = place(camera.width, area.left, area.right, at.x);
  camera.y = place(camera.height, area.top, area.bottom, at.y);
  redraw();
}

// Moves as little as needed to have `box` inside the stage.
function reveal(box) {
  const pad = 40;
  const shift = (start, size, room) => {
    if (start < pad) return pad - start;
    const over = start + Math.min(size, room - 2 * pad) - (room - pad);
    return over > 0 ? -over : 0;
  };
  const { scale } = camera;
  camera.x += shift(box.x * scale + camera.x, box.w * scale, camera.width);
  camera.y += shift(box.y * scale + camera.y, box.h * scale, camera.height);
  redraw();
}

function measureStage() {
  const { width, height } = stage.getBoundingClientRect();
  Object.assign(camera, { width, height });
}

// Dragging the background pans; a press that does not move is a click. Two fingers pinch.
function listenToPointers(onClick) {
  const fingers = new Map();
  let moved = 0;
  const spread = () => {
    const [a, b] = [...fingers.values()];
    return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, size: Math.hypot(a.x - b.x, a.y - b.y) };
  };
  const local = (event) => {
    const { left, top } = stage.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  };
  stage.addEventListener("pointerdown", (event) => {
    if (event.button || event.target.closest(".overview, .legend")) return;
    fingers.set(event.pointerId, local(event));
    moved = 0;
  });
  stage.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const now = local(event);
    const pinch = fingers.size === 2 ? spread() : null;
    fingers.set(event.pointerId, now);
    moved += Math.hypot(now.x - before.x, now.y - before.y);
    if (moved >= CLICK && !stage.hasPointerCapture(event.pointerId)) {
      // Only now: a captured pointer's click would go to the stage instead of the button under it.
      stage.setPointerCapture(event.pointerId);
      stage.classList.add("dragging");
    }
    if (pinch) {
      const after = spread();
      zoomAt(after.x, after.y, after.size / Math.max(1, pinch.size));
    } else {
      camera.x += now.x - before.x;
      camera.y += now.y - before.y;
      redraw();
    }
  });
  const release = (event) => {
    if (!fingers.delete(event.pointerId)) return;
    stage.classList.remove("dragging");
    if (event.type === "pointerup" && moved < CLICK && !event.target.closest("button")) onClick(local(event));
  };
  stage.addEventListener("pointerup", release);
  stage.addEventListener("pointercancel", release);
  stage.addEventListener(
    "wheel",
    (event) => {
      if (event.target.closest(".legend, .overview")) return;
      event.preventDefault();
      const unit = event.deltaMode ? 20 : 1;
      const { x, y } = local(event);
      if (event.shiftKey) {
        camera.x -= (event.deltaX || event.deltaY) * unit;
        redraw();
      } else {
        zoomAt(x, y, Math.exp(-event.deltaY * unit * (event.ctrlKey ? 0.01 : 0.0015)));
      }
    },
    { passive: false },
  );
}
