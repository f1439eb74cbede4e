// The Run tab of a DAG run: stages with rows and times, checks with rows that failed, what is odd, what was set aside.

import { useAnswer } from "./asking.js";
import { Grid, Mono, Muted, Nothing, Section, State, Tab } from "./parts.js";
import { Quarantine } from "./quarantine.js";
import { moment, plural, span } from "./shared.js";

const { createElement: h, Fragment } = globalThis.React;
const { Box, Flex, Text } = globalThis.ChakraUI;

const count = (value) => (value === null ? h(Muted, null, "–") : value.toLocaleString());
const message = (text) => h(Box, { maxWidth: "36rem", minWidth: "12rem", wordBreak: "break-word" }, text);

function Stages({ stages }) {
  return h(Section, { title: "Stages" }, stages.length === 0 ? h(Nothing, null, "No stage has begun.")
    : h(Grid, { columns: ["Stage", "Task", "Try", "State", "Rows", "Took", "Message"], label: "Stages", rows: stages.map((stage) => [
      stage.stage.toLowerCase(), h(Mono, null, stage.task_id), stage.try_number, h(State, { state: stage.state }),
      count(stage.rows_out), stage.seconds === null ? "" : span(stage.seconds), message(stage.message)]) }));
}

const shown = (value) => (value === null ? h(Muted, null, "null") : String(value));

/** The rows that a check refused; closed until somebody opens it. */
function Sample({ check }) {
  const columns = Object.keys(check.sample[0]);
  return h(Box, { as: "details", "data-testid": `sample-${check.name}` },
    h(Box, { as: "summary", color: "fg.muted", cursor: "pointer", fontSize: "sm", mb: 1, width: "fit-content" },
      `${plural(check.sample.length, "failing row")} of ${check.failures.toLocaleString()}`),
    h(Grid, { columns, label: `Rows that fail ${check.name}`, rows: check.sample.map((row) =>
      columns.map((column) => h(Mono, null, shown(row[column])))) }));
}

const checkRow = (check) => ({
  below: check.sample.length > 0 && h(Sample, { check }),
  cells: [h(Mono, null, check.table), h(Box, { fontWeight: "medium", wordBreak: "break-word" }, check.name),
    h(State, { state: check.status }), check.failures.toLocaleString(), check.rows.toLocaleString(), message(check.message)],
});

function Checks({ checks }) {
  const wrong = checks.filter((check) => check.status !== "passed").length;
  return h(Section, { note: checks.length > 0 && (wrong > 0 ? `${plural(wrong, "check")} did not pass` : "all passed"), title: "Checks" },
    checks.length === 0 ? h(Nothing, null, "No check was judged.")
      : h(Grid, { columns: ["Table", "Check", "Status", "Failing", "Judged", "Message"], label: "Checks", rows: checks.map(checkRow) }));
}

const kind = (change) => {
  if (change.before === null) return "appeared";
  return change.after === null ? "is gone" : "changed its type";
};

function SchemaChanges({ changes }) {
  if (changes.length === 0) return null;
  return h(Section, { note: "against the last run that completed", title: "Changed columns" },
    h(Grid, { columns: ["Table", "Column", "What", "Before", "Now", "Message"], label: "Changed columns", rows: changes.map((change) => [
      h(Mono, null, change.table), h(Mono, null, change.column), kind(change), h(Mono, null, change.before ?? "–"),
      h(Mono, null, change.after ?? "–"), message(change.message)]) }));
}

function Anomalies({ anomalies }) {
  return h(Section, { title: "Anomalies" }, anomalies.length === 0 ? h(Nothing, null, "Nothing odd was found.")
    : h(Grid, { columns: ["Severity", "Category", "Task", "When", "Message"], label: "Anomalies", rows: anomalies.map((each) => [
      h(State, { state: each.severity }), each.category, h(Mono, null, each.task_id),
      h(Box, { as: "span", whiteSpace: "nowrap" }, moment(each.detected_at)), message(each.message)]) }));
}

function Head({ run }) {
  return h(Flex, { align: "baseline", gap: 3, wrap: "wrap" }, h(State, { state: run.status }),
    run.window_start && h(Text, { fontSize: "sm" }, `Window ${moment(run.window_start)} to ${moment(run.window_end)}`),
    run.reason && h(Text, { color: "fg.muted", fontSize: "sm" }, run.reason));
}

function RunTab({ dagId, runId }) {
  const asked = useAnswer(`workflows/${encodeURIComponent(dagId)}/runs/${encodeURIComponent(runId)}`);
  return h(Tab, { asked, missing: "Run history knows nothing of this run: none of its tasks has begun, or its DAG is not built from a workflow." },
    (run) => h(Fragment, null,
      h(Head, { run }),
      h(Stages, { stages: run.stages }),
      h(Checks, { checks: run.checks }),
      h(SchemaChanges, { changes: run.schema_changes }),
      h(Anomalies, { anomalies: run.anomalies }),
      h(Quarantine, { empty: "This run set no row aside.", quarantine: run.quarantine })));
}

// Airflow's page takes the component from here.
globalThis.AirflowPlugin = RunTab;
globalThis.Run = RunTab;
