// The document as rows: one for each entity that a stream feeds, and for each of its columns.

let review = null; // the document
let rows = []; // all that can be decided, in order
let rowByKey = new Map();

const keyOf = (...place) => JSON.stringify(place);
const mapOf = (columns) => new Map(columns.map((column) => [column.name, column]));

function readDocument(document) {
  review = document;
  rows = [];
  for (const target of Object.values(review.targets)) target.byName = mapOf(target.columns);
  for (const stream of review.streams) {
    stream.byName = mapOf(stream.columns);
    stream.because = new Map(stream.unmapped.map((one) => [one.column, one.because]));
    stream.heads = stream.entities.map((entity) => {
      const head = { kind: "entity", key: keyOf(stream.name, entity.entity), stream, entity, base: entity };
      head.words = `${stream.name} ${entity.entity}`.toLowerCase();
      head.columns = entity.columns.map((base) => {
        const words = [base.target, ...base.columns, base.expression].join(" ").toLowerCase();
        return { kind: "column", key: keyOf(stream.name, entity.entity, base.target), stream, entity, base, head, words };
      });
      rows.push(head, ...head.columns);
      return head;
    });
  }
  rowByKey = new Map(rows.map((row) => [row.key, row]));
}

const targetOf = (row) => review.targets[row.entity.entity].byName.get(row.base.target);

// What the file said when an edit was made: tells whether it still says so.
const signature = ({ base }) => JSON.stringify([base.status, base.reviewer, base.columns?.length ? base.columns : 0, base.expression ?? ""]);

const statusOf = (row) => {
  const edit = edits.get(row.key);
  if (!edit) return row.base.status;
  return { reject: "rejected", reopen: "question" }[edit.verdict] ?? "approved";
};
const isDecided = (row) => {
  const edit = edits.get(row.key);
  return edit ? edit.verdict !== "reopen" : row.base.is_decided;
};
const isQuestion = (row) => !isDecided(row) && statusOf(row) === "question";
// A column of an entity that the stream does not feed is no question.
const isMoot = (row) => row.kind === "column" && statusOf(row.head) === "rejected";

// What a target column is made from, as it stands.
function answerOf(row) {
  const edit = edits.get(row.key);
  if (edit?.verdict === "none") return { columns: [], expression: "" };
  if (edit?.verdict !== "override") return row.base;
  const { expression } = edit;
  return { columns: expression ? namesIn(expression, row.stream) : edit.columns, expression };
}

// Whether a person's answer stands where another was proposed.
const isReplaced = (row) => ["override", "none"].includes(edits.get(row.key)?.verdict);

// The stream's columns that an expression names. The server reads the expression itself; this is for showing.
function namesIn(expression, stream) {
  const lower = new Map(stream.columns.map(({ name }) => [name.toLowerCase(), name]));
  const found = new Set();
  for (const [word] of expression.replace(/'(?:[^']|'')*'/g, " ").matchAll(/"(?:[^"]|"")+"|[\p{L}_][\p{L}\p{N}_$]*/gu)) {
    const name = word.startsWith('"') ? word.slice(1, -1).replaceAll('""', '"') : word;
    const known = stream.byName.has(name) ? name : lower.get(name.toLowerCase());
    if (known !== undefined) found.add(known);
  }
  return [...found];
}

// The stream's columns that nothing is made from, as decisions stand.
function unmappedOf(stream) {
  const used = new Set();
  for (const row of stream.heads.flatMap((head) => head.columns)) {
    if (isMoot(row) || statusOf(row) === "rejected") continue;
    for (const name of answerOf(row).columns) used.add(name);
  }
  return stream.columns.filter(({ name }) => !used.has(name));
}

const isUsedInFile = (stream, name) =>
  stream.entities.some((entity) => entity.columns.some((column) => column.columns.includes(name)));

function progress() {
  const counted = rows.filter((row) => !isMoot(row));
  return { decided: counted.filter(isDecided).length, all: counted.length, questions: counted.filter(isQuestion).length };
}
