"use strict";
(() => {
  const status = document.getElementById("status");

  // Values under the pointer, or where the arrow keys are, of one drawing of lines.
  const follow = (svg) => {
    const points = JSON.parse(svg.dataset.points);
    const tip = svg.closest("figure").querySelector(".tip");
    const cursor = svg.querySelector(".cursor");
    let at = -1;

    const show = (next) => {
      at = Math.max(0, Math.min(points.x.length - 1, next));
      cursor.setAttribute("x1", points.x[at]);
      cursor.setAttribute("x2", points.x[at]);
      svg.classList.add("reading");
      const heading = document.createElement("strong");
      heading.textContent = points.at[at];
      const lines = points.lines
        .filter((line) => line.texts[at] !== null)
        .sort((a, b) => a.y[at] - b.y[at]);
      tip.replaceChildren(heading, ...lines.map(line));
      tip.hidden = false;
      const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
      const x = points.x[at] * scale;
      const isRight = x > svg.getBoundingClientRect().width / 2;
      tip.style.left = `${svg.offsetLeft ?? 0}px`;
      tip.style.transform = `translateX(${isRight ? x - tip.offsetWidth - 12 : x + 12}px)`;
      return `${points.at[at]}: ${lines.map((l) => `${l.label} ${l.texts[at]}`).join(", ") || "no values"}`;
    };

    const line = ({ label, class: name, texts }) => {
      const row = document.createElement("span");
      const [swatch, of, value] = ["i", "bdi", "b"].map((tag) => document.createElement(tag));
      swatch.className = name;
      of.textContent = label;
      value.textContent = texts[at];
      row.append(swatch, of, value);
      return row;
    };

    const hide = () => {
      at = -1;
      tip.hidden = true;
      svg.classList.remove("reading");
    };

    svg.addEventListener("pointermove", (event) => {
      const box = svg.getBoundingClientRect();
      const x = ((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width;
      let nearest = 0;
      points.x.forEach((place, n) => {
        if (Math.abs(place - x) < Math.abs(points.x[nearest] - x)) nearest = n;
      });
      show(nearest);
    });
    svg.addEventListener("pointerleave", hide);
    svg.addEventListener("blur", hide);
    svg.addEventListener("keydown", (event) => {
      const last = points.x.length - 1;
      const steps = { ArrowLeft: at < 0 ? last : at - 1, ArrowRight: at + 1, Home: 0, End: last };
      if (event.key === "Escape") hide();
      if (!(event.key in steps)) return;
      event.preventDefault();
      status.textContent = show(steps[event.key]);
    });
  };

  document.querySelectorAll("svg[data-points]").forEach(follow);

  const copy = document.getElementById("copy");
  const statement = document.getElementById("statement");
  if (!copy) return;

  // A page from a file has no clipboard in every browser: then the text is selected, ready to be copied.
  const select = () => {
    const range = document.createRange();
    range.selectNodeContents(statement);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    return document.execCommand("copy");
  };

  copy.hidden = false;
  copy.addEventListener("click", async () => {
    let done;
    try {
      await navigator.clipboard.writeText(statement.textContent);
      done = true;
    } catch {
      done = select();
    }
    copy.textContent = done ? "Copied" : "Selected";
    document.getElementById("copied").textContent = done ? "SQL copied" : "SQL selected";
    setTimeout(() => (copy.textContent = "Copy"), 2000);
  });
})();
