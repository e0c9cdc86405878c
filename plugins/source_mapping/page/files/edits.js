// What was decided and is not saved: kept in the browser until it is, with undo.

const edits = new Map(); // key → { verdict, columns, expression, was }
const problems = new Map(); // key → why it could not be saved
const past = [];
const future = [];
let storageKey = "";
let canStore = true;
let downloaded = ""; // what was taken out of a page without a server

// changes: pairs of a row and its edit, null: as in the file.
function change(label, changes) {
  const made = changes
    .map(([row, edit]) => ({ key: row.key, before: edits.get(row.key), after: tidy(row, edit) }))
    .filter(({ before, after }) => JSON.stringify(before) !== JSON.stringify(after));
  if (!made.length) return;
  past.push({ label, changes: made });
  future.length = 0;
  put(made.map(({ key, after }) => [key, after]));
  say(label);
}

function put(pairs) {
  for (const [key, edit] of pairs) {
    if (edit) edits.set(key, edit);
    else edits.delete(key);
    problems.delete(key);
  }
  store();
}

// An edit that says what the file says already is none.
function tidy(row, edit) {
  if (!edit) return undefined;
  const { base } = row;
  const columns = edit.columns ?? [];
  const expression = edit.expression ?? "";
  let { verdict } = edit;
  const isProposed = expression === base.expression && (expression || sameList(columns, base.columns ?? []));
  if (verdict === "override" && isProposed) verdict = "accept";
  if (verdict === "none" && !base.columns.length && !base.expression) verdict = "accept";
  if (verdict === "accept" && base.is_decided && base.status === "approved") return undefined;
  if (verdict === "reject" && base.status === "rejected") return undefined;
  if (verdict === "reopen" && !base.is_decided) return undefined;
  const said = verdict === "override" ? { verdict, columns, expression } : { verdict };
  return { ...said, was: signature(row) };
}

const sameList = (a, b) => a.length === b.length && a.every((one, n) => one === b[n]);

function step(from, to, side, word) {
  const group = from.pop();
  if (!group) return say(`nothing to ${word}`), null;
  to.push(group);
  put(group.changes.map((one) => [one.key, one[side]]));
  say(`${word}: ${group.label}`);
  return group.changes[0].key;
}
const undo = () => step(past, future, "before", "undo");
const redo = () => step(future, past, "after", "redo");

const asText = () => JSON.stringify([...edits]);
const isUnsaved = () => edits.size > 0 && asText() !== downloaded;

function store() {
  if (!canStore) return;
  try {
    if (edits.size) localStorage.setItem(storageKey, asText());
    else localStorage.removeItem(storageKey);
  } catch {
    canStore = false;
  }
}

// Edits of an earlier visit, as far as what they are about is still there.
function restore() {
  storageKey = `smelt-review-mapping:${review.save_to ? "" : location.pathname}:${review.source}`;
  let kept = [];
  try {
    kept = JSON.parse(localStorage.getItem(storageKey) ?? "[]");
  } catch (error) {
    canStore = error instanceof SyntaxError;
  }
  const lost = [];
  const changed = [];
  for (const [key, edit] of kept) {
    const row = rowByKey.get(key);
    if (!row || (edit.columns ?? []).some((name) => !row.stream.byName.has(name))) lost.push(key);
    else if (tidy(row, edit)) {
      if (edit.was !== signature(row)) changed.push(row);
      edits.set(key, tidy(row, edit));
    }
  }
  for (const row of changed) problems.set(row.key, "the file says something else here since you decided; yours is what will be saved");
  return { kept: edits.size, lost: lost.length, changed: changed.length };
}
