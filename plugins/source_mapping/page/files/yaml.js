// mapping.yml for a page without a server: the same decisions as the server takes, and the same file.

const YAML_HEAD =
  "# Which columns of this source are what in the entities. People decide: what stands here is kept,\n" +
  "# and `smelt map` asks only about what is new, or says `status: question`.\n";
const PLAIN = /^[A-Za-z_][\w.]*(?: [\w.]+)*$/;
const NO_TEXT = /^(?:y|n|yes|no|on|off|true|false|null|nan|inf)$/i;
const BEYOND_JSON = /[\u007f-\u009f\u2028\u2029\ufeff]/g;

function decidedMapping(reviewer) {
  return {
    source: review.source,
    streams: review.streams.map((stream) => ({
      stream: stream.name,
      entities: stream.heads.map((head) => ({
        entity: head.entity.entity,
        confidence: head.base.confidence,
        ...decision(head, reviewer),
        is_new: head.base.is_new,
        columns: head.columns.filter((row) => row.base.is_listed || edits.has(row.key)).map((row) => decidedColumn(row, reviewer)),
      })),
      unmapped: decidedUnmapped(stream, reviewer),
    })),
  };
}

// What the file says goes nowhere, in its order; then what is used no longer.
function decidedUnmapped(stream, reviewer) {
  const free = new Set(unmappedOf(stream).map(({ name }) => name));
  const kept = [...stream.because].filter(([name]) => free.has(name)).map(([column, because]) => ({ column, because }));
  const freed = [...free].filter((name) => !stream.because.has(name) && isUsedInFile(stream, name));
  return [...kept, ...freed.map((column) => ({ column, because: `no longer used after the review of ${reviewer}` }))];
}

function decision(row, reviewer) {
  const edit = edits.get(row.key);
  if (!edit) return { status: row.base.status, reviewer: row.base.reviewer };
  return { status: statusOf(row), reviewer: edit.verdict === "reopen" ? null : reviewer };
}

function decidedColumn(row, reviewer) {
  const { base } = row;
  const { columns, expression } = answerOf(row);
  const verdict = edits.get(row.key)?.verdict;
  const isOther = verdict === "override" || verdict === "none";
  let runnersUp = base.runners_up;
  if (isOther) {
    runnersUp = runnersUp.filter(([name]) => !(columns.length === 1 && columns[0] === name));
    if (base.columns.length === 1 && !sameList(base.columns, columns)) {
      runnersUp = [[base.columns[0], base.confidence], ...runnersUp.filter(([name]) => name !== base.columns[0])];
    }
  }
  return {
    target: base.target,
    columns,
    expression,
    confidence: isOther ? 1 : base.confidence,
    status: decision(row, reviewer).status,
    evidence: { override: "the reviewer's choice", none: "the reviewer: nothing at the source is this" }[verdict] ?? base.evidence,
    runners_up: runnersUp.map(([column, sure]) => ({ column, confidence: sure })),
    reviewer: decision(row, reviewer).reviewer,
  };
}

function yamlText(text) {
  if (PLAIN.test(text) && !NO_TEXT.test(text)) return text;
  return JSON.stringify(text).replace(BEYOND_JSON, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function yamlValue(value) {
  if (typeof value === "string") return yamlText(value);
  if (typeof value === "number") return Number.isInteger(value) ? value.toFixed(1) : String(Math.round(value * 100) / 100);
  return String(value);
}

const isLeftOut = (name, value) =>
  value === null || value === "" || value === false || (Array.isArray(value) && !value.length) || (name === "status" && value === "proposed");

function yamlLines(entry, indent) {
  const lines = [];
  for (const [name, value] of Object.entries(entry)) {
    if (isLeftOut(name, value)) continue;
    if (!Array.isArray(value)) lines.push(`${indent}${name}: ${yamlValue(value)}`);
    else {
      lines.push(`${indent}${name}:`);
      for (const one of value) {
        if (typeof one === "string") lines.push(`${indent}  - ${yamlText(one)}`);
        else {
          const inner = yamlLines(one, `${indent}    `);
          lines.push(`${indent}  - ${inner[0].trimStart()}`, ...inner.slice(1));
        }
      }
    }
  }
  return lines;
}

const renderMapping = (reviewer) => `${YAML_HEAD}${yamlLines(decidedMapping(reviewer), "").join("\n")}\n`;
