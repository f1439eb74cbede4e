// The Run tab of a DAG run: stages with rows and times, checks with rows that failed, what is odd, what was set aside.

import { useAnswer } from "./asking.js";
import { Grid, Moment, Mono, Muted, Name, Nothing, Section, State, Tab, Told } from "./parts.js";
import { Quarantine } from "./quarantine.js";
import { moment, plural, span } from "./shared.js";

const { createElement: h, Fragment } = globalThis.React;
const { Box, Flex, Text } = globalThis.ChakraUI;

/** What is told of a run that went well; its state says as much. */
const GOOD = "success";

const count = (value) => (value === null ? h(Muted, null, "–") : value.toLocaleString());

/** Airflow says "task_failure". */
const plain = (text) => (/^[a-z_]+$/.test(text) ? text.replaceAll("_", " ") : text);

/** A stage without a task is the run's own: nobody tries it again, it takes no time, and it is what it says. */
const stageRow = (stage) => {
  const { message, seconds, state, task_id: task } = stage;
  const own = stage.stage === "STARTED" ? null : h(State, { state: stage.stage });
  return {
    below: message && message !== GOOD && h(Box, { color: state === "failed" ? undefined : "fg.muted",
      whiteSpace: "pre-wrap", wordBreak: "break-word" }, plain(message)),
    cells: [stage.stage.toLowerCase(), h(Mono, null, task), task ? stage.try_number : "", task ? h(State, { state }) : own,
      task ? count(stage.rows_out) : "",
      h(Box, { as: "span", whiteSpace: "nowrap" }, task && seconds !== null ? span(seconds) : "")],
  };
};

function Stages({ stages }) {
  return h(Section, { title: "Stages" }, stages.length === 0 ? h(Nothing, null, "No stage has begun.")
    : h(Grid, { columns: ["Stage", "Task", "Try", "State", "Rows", "Took"], label: "Stages", rows: stages.map(stageRow) }));
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
  cells: [h(Mono, null, check.table), h(Told, { message: check.message }, h(Name, null, check.name)),
    h(State, { state: check.status }), check.failures.toLocaleString(), check.rows.toLocaleString()],
});

function Checks({ checks }) {
  const wrong = checks.filter((check) => check.status !== "passed").length;
  return h(Section, { note: checks.length > 0 && (wrong > 0 ? `${plural(wrong, "check")} did not pass` : "all passed"), title: "Checks" },
    checks.length === 0 ? h(Nothing, null, "No check was judged.")
      : h(Grid, { columns: ["Table", "Check", "Status", "Failing", "Judged"], label: "Checks", rows: checks.map(checkRow) }));
}

const CHANGES = {
  appeared: "appeared",
  gone: "is gone",
  misfits: "has values that do not fit",
  more: "further columns",
  retyped: "changed its type",
  undeclared: "is not declared",
};

function SchemaChanges({ changes }) {
  if (changes.length === 0) return null;
  const typed = changes.some((change) => change.before !== null || change.after !== null);
  const type = (value) => (value === null ? h(Muted, null, "–") : h(Mono, null, value));
  return h(Section, { note: "against the last run", title: "Changed columns" },
    h(Grid, { columns: ["Table", "Column", "What", ...(typed ? ["Before", "Now"] : [])], label: "Changed columns",
      rows: changes.map((change) => [h(Mono, null, change.table), h(Mono, null, change.column),
        h(Told, { message: change.message }, CHANGES[change.kind]),
        ...(typed ? [type(change.before), type(change.after)] : [])]) }));
}

/** "SCHEMA_CHANGE" in words. */
const words = (category) => category.toLowerCase().replaceAll("_", " ");

function Anomalies({ anomalies }) {
  return h(Section, { title: "Anomalies" }, anomalies.length === 0 ? h(Nothing, null, "Nothing odd was found.")
    : h(Grid, { columns: ["Severity", "What", "Task", "When"], label: "Anomalies", rows: anomalies.map((each) => [
      h(State, { state: each.severity }), h(Told, { message: plain(each.message) }, words(each.category)),
      h(Mono, null, each.task_id), h(Moment, { at: each.detected_at })]) }));
}

function Head({ run }) {
  return h(Flex, { align: "baseline", gap: 3, wrap: "wrap" }, h(State, { state: run.status }),
    run.window_start && h(Text, { fontSize: "sm" }, `Window ${moment(run.window_start)} to ${moment(run.window_end)}`),
    run.reason && run.reason !== GOOD && h(Text, { color: "fg.muted", fontSize: "sm" }, plain(run.reason)));
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
      h(Quarantine, { dagId, empty: "This run set no row aside.", quarantine: run.quarantine, runId })));
}

// Airflow's page takes the component from here.
globalThis.AirflowPlugin = RunTab;
globalThis.Run = RunTab;
