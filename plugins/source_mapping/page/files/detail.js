// Everything about the row under the cursor, and what can be done with it.

const detail = byId("detail");

function drawDetail() {
  const row = cursorRow();
  const draw = { entity: entityDetail, column: columnDetail, rest: restDetail, unmapped: unmappedDetail }[row?.kind];
  const open = picker && picker.row.key === row?.key ? picker.box : null;
  // An editor that is open keeps its text and the focus.
  if (open && detail.contains(open)) return;
  const top = detail.dataset.key === row?.key ? detail.scrollTop : 0;
  detail.dataset.key = row?.key ?? "";
  detail.replaceChildren(...(draw ? draw(row).filter(Boolean) : [element("p", { className: "muted", textContent: "No row is selected." })]));
  detail.scrollTop = top;
}

function heading(...parts) {
  return element("h2", {}, ...parts);
}

function section(title, ...children) {
  return element("section", {}, title && element("h3", { textContent: title }), ...children);
}

const paragraph = (text, className = "") => (text ? element("p", { className, dir: "auto", textContent: visible(text) }) : null);

// One column: name, type, description, samples.
function card(side, column) {
  const samples = column.samples ?? [];
  return element("div", { className: `card ${side}` },
    element("p", { className: "who", textContent: side }),
    element("p", { className: "first" }, bdi(column.name, "name"), column.type && element("small", { className: "type", textContent: visible(column.type) }),
      column.is_key && element("small", { className: "type", textContent: "key" })),
    paragraph(column.description, "muted"),
    samples.length
      ? element("ul", { className: "samples" }, ...samples.map((text) => element("li", { dir: "auto", textContent: visible(text) })))
      : element("p", { className: "muted", textContent: "no sample values" }),
    column.is_masked && element("p", { className: "muted masked", textContent: "personal data: values are masked" }));
}

function standing(row) {
  const edit = edits.get(row.key);
  const { base } = row;
  if (edit) return paragraph(`${edit.verdict === "reopen" ? "Open again" : "Decided by you"}, not saved yet.`, "muted");
  if (base.is_decided) return paragraph(`${base.status === "rejected" ? "Rejected" : "Approved"}${base.reviewer ? ` by ${base.reviewer}` : ""}.`, "muted");
  return paragraph(base.status === "question" ? "Smelt is not sure enough: this is a question to you." : "Proposed by Smelt, and not looked at by a person.", "muted");
}

const problemOf = (row) => (problems.has(row.key) ? element("p", { className: "problem", role: "alert", textContent: visible(problems.get(row.key)) }) : null);

function columnDetail(row) {
  const target = targetOf(row);
  const { columns, expression } = answerOf(row);
  const sources = columns.map((name) => row.stream.byName.get(name) ?? { name });
  return [
    heading(bdi(row.entity.entity), ".", bdi(row.base.target, "name")),
    element("p", { className: "standing" }, sureness(row), chip(row)),
    standing(row),
    problemOf(row),
    isMoot(row)
      ? paragraph("The stream does not feed this entity, so there is nothing to decide here.")
      : actions(["Accept", "a", accept], ["Override", "o", override], ["Nothing is this", "n", chooseNone], ["Reject", "x", reject], isDecided(row) && ["Reopen", "c", reopen]),
    element("div", { id: "picker-place" }),
    element("div", { className: "cards" }, card("target", target), ...(sources.length ? sources.map((one) => card("source", one)) : [
      element("div", { className: "card source" }, element("p", { className: "who", textContent: "source" }), element("p", { className: "nothing", textContent: "nothing at the source" })),
    ])),
    expression && section("Expression", element("pre", {}, element("code", { textContent: visible(expression) }))),
    row.base.evidence && section(isReplaced(row) ? `Evidence for what was proposed${row.base.columns.length ? `: ${visible(row.base.columns.join(", "))}` : ""}` : "Evidence", paragraph(row.base.evidence)),
    row.base.runners_up.length > 0 && section("Runners-up", element("ol", { className: "runners" }, ...row.base.runners_up.slice(0, 9).map((one, n) => runnerUp(row, one, n)))),
  ];
}

function runnerUp(row, [name, sure], n) {
  const column = row.stream.byName.get(name) ?? { name, samples: [] };
  const made = button("", "", () => choose(row, [name], ""), { className: "runner", title: `Use this column (${n + 1})` });
  made.append(element("kbd", { textContent: n + 1 }), bdi(name, "name"), confidence(sure), element("span", { className: "below", dir: "auto", textContent: column.samples.map(visible).join(" · ") }));
  return element("li", {}, made);
}

function entityDetail(row) {
  const target = review.targets[row.entity.entity];
  return [
    heading(bdi(row.stream.name), " → ", bdi(row.entity.entity)),
    element("p", { className: "standing" }, confidence(row.base.confidence), chip(row)),
    standing(row),
    problemOf(row),
    paragraph("Does this stream feed this entity?"),
    actions(["It does", "a", accept], ["It does not", "x", reject], isDecided(row) && ["Reopen", "c", reopen], [isClosed(row) ? "Show columns" : "Hide columns", "↵", toggle]),
    !row.entity.is_new && paragraph("If it does not, `smelt map` looks for another entity, or drafts a new one.", "muted"),
    row.entity.is_new && paragraph("The project has no such entity yet; it is drafted from the stream.", "muted"),
    row.stream.description && section("Stream", paragraph(row.stream.description)),
    target.description && section("Entity", paragraph(target.description)),
    section("Columns", paragraph(`${plural(row.columns.filter(isDecided).length, "column")} decided of ${row.columns.length.toLocaleString("en")}, ${plural(row.columns.filter(isQuestion).length, "open question")}.`)),
  ];
}

function restDetail(row) {
  return [
    heading(plural(row.count, "column"), " of ", bdi(row.stream.name), row.count === 1 ? " goes nowhere" : " go nowhere"),
    paragraph("No target column is made from them. They stay in bronze, and can be mapped at any time."),
    actions([view.closed.get(row.key) ? "Show columns" : "Hide columns", "↵", toggle]),
  ];
}

function unmappedDetail(row) {
  return [
    heading(bdi(row.stream.name), ".", bdi(row.column.name, "name")),
    paragraph(row.because),
    actions(["Map it to a target", "o", override]),
    element("div", { id: "picker-place" }),
    element("div", { className: "cards" }, card("source", row.column)),
  ];
}

function actions(...all) {
  return element("div", { className: "actions" }, ...all.filter(Boolean).map(([text, key, act]) => button(text, key, act)));
}
