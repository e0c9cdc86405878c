// Decisions on their way into mapping.yml: through the server, or as a file that the page makes itself.

let isSaving = false;
let isLeaving = false;

function decisions() {
  const entities = [];
  const columns = [];
  for (const [key, { verdict, columns: names = [], expression = "" }] of edits) {
    const { kind, stream, entity, base } = rowByKey.get(key);
    if (kind === "entity") entities.push({ stream: stream.name, entity: entity.entity, verdict });
    else columns.push({ stream: stream.name, entity: entity.entity, target: base.target, verdict, columns: names, expression });
  }
  return { version: review.version, entities, columns };
}

async function save() {
  if (!review.save_to) return download();
  if (isSaving) return;
  closePicker();
  if (!edits.size && review.version !== "none") return say("there is nothing to save"), notice("There is nothing to save.");
  isSaving = true;
  drawBar();
  const sent = new Map(edits);
  try {
    const response = await fetch(review.save_to, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(decisions()) });
    take(response.status, await response.json(), sent);
  } catch {
    notice(`The command that serves this page has ended. Your edits are kept in this browser: run \`smelt review-mapping ${review.source}\` again.`);
  } finally {
    isSaving = false;
    show();
  }
}

function take(status, answer, sent) {
  if (status === 200) taken(answer, sent);
  else if (status === 422) refused(answer.problems);
  else if (status === 409) {
    const again = button("Reload, and keep my edits", "", () => { isLeaving = true; location.reload(); }, { className: "tool primary" });
    notice("Not saved: mapping.yml was changed by somebody else since this page was opened.", again);
  } else if (status === 403) notice(`Not saved: ${answer.message}. Your edits are kept in this browser.`);
  else notice(`Not saved: ${answer.message}`);
}

function taken(document, sent) {
  const { save_to } = review;
  readDocument({ ...document, save_to });
  // What was changed while the request was on its way stays an edit.
  for (const [key, edit] of sent) if (edits.get(key) === edit) edits.delete(key);
  problems.clear();
  past.length = future.length = 0;
  store();
  notice("");
  const { questions } = progress();
  const said = `Saved. ${questions ? `${plural(questions, "question")} still open.` : "No question is open."} Next: smelt map ${review.source}`;
  byId("keys").textContent = visible(said);
  say(said);
}

function refused(found) {
  for (const { stream, entity, target, message } of found) {
    problems.set(target === null ? keyOf(stream, entity) : keyOf(stream, entity, target), message);
  }
  notice(`Not saved: ${plural(found.length, "row")} to look at again.`);
  const [{ stream, entity, target, message }] = found;
  const key = target === null ? keyOf(stream, entity) : keyOf(stream, entity, target);
  if (rowByKey.has(key)) goTo(key);
  say(message);
}

const reviewer = () => byId("reviewer").value.trim() || review.reviewer;

function download() {
  const link = element("a", { download: "mapping.yml", href: URL.createObjectURL(new Blob([renderMapping(reviewer())], { type: "application/yaml" })) });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  handedOut(`Downloaded. Put it in the source's folder, sources/${review.source}/mapping.yml, and run \`smelt map ${review.source}\`.`);
}

async function copy() {
  const text = renderMapping(reviewer());
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const box = element("textarea", { value: text, className: "sr" });
    document.body.append(box);
    box.select();
    document.execCommand("copy");
    box.remove();
  }
  handedOut(`Copied. Paste it into sources/${review.source}/mapping.yml.`);
}

function handedOut(text) {
  downloaded = asText();
  notice(text);
  say(text);
  drawBar();
}

// What another tab decides here would overwrite what this one keeps, and the other way round.
function warnOfOtherTab(event) {
  if (event.key === storageKey && event.newValue !== event.oldValue) {
    notice("This review is open in another tab too. Go on in one of them: what you decide last is what is kept.");
  }
}

function warnOfLoss(event) {
  if (!isLeaving && isUnsaved()) event.preventDefault();
}
