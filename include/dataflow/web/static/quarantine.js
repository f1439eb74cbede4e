// Rows that were set aside: what waits of a workflow, what a run quarantined. Rows themselves are looked at with the CLI.

import { Grid, Mono, Muted, Name, Nothing, Section, State, Told } from "./parts.js";
import { ago, moment, plural, runAddress } from "./shared.js";

const { createElement: h } = globalThis.React;
const { Link: RouterLink } = globalThis.ReactRouterDOM;
const { Box, Link, Text } = globalThis.ChakraUI;

/** Airflow has no page of a run that was started without it. */
const isAirflows = (runId) => !/^(local|replay)__/.test(runId);

const when = (record, dagId) => (dagId && isAirflows(record.run_id)
  ? h(Link, { asChild: true, color: "fg.info", title: record.run_id },
    h(RouterLink, { to: `${runAddress({ dag_id: dagId }, record.run_id)}/plugin/run` }, ago(record.quarantined_at)))
  : h(Box, { as: "span", title: `${record.run_id}, ${moment(record.quarantined_at)}` },
    ago(record.quarantined_at)));

/** Below it what a replay would do, where that is not to put back every row that passes. */
const row = (record, dagId) => ({
  below: record.told && h(Muted, null, record.told),
  cells: [String(record.id), h(Mono, null, record.table), record.rows.toLocaleString(),
    h(Told, { message: record.reason }, record.rules.map((rule) => h(Box, { key: rule }, h(Name, null, rule)))),
    h(State, { state: record.state }), when(record, dagId)],
});

/** "9 rows wait", "up to 9 rows wait" where a part of some was read again. */
const waiting = ({ more, records, rows }) => {
  if (rows === 0) return "";
  const atMost = records.some((record) => record.state === "waits in part") ? "up to " : "";
  const of = more > 0 ? ` of the newest ${plural(records.length, "record")}` : "";
  return `${atMost}${plural(rows, "row")} ${rows === 1 ? "waits" : "wait"}${of}`;
};

/** What to type, after the words that say what for. */
const Command = ({ children, command }) => h(Text, { color: "fg.muted", fontSize: "sm" }, children, ": ", h(Mono, null, command));

/** The records of a workflow or of one run; where there is no `runId` each leads to its run, if Airflow has it. */
export function Quarantine({ quarantine, corrections, dagId, runId, empty }) {
  const { more, records } = quarantine;
  return h(Section, { note: waiting(quarantine), title: "Quarantine" },
    records.length === 0 ? h(Nothing, null, empty)
      : h(Grid, { columns: ["Id", "Table", "Rows", "Why", "State", "When"], label: "Quarantine",
        rows: records.map((record) => row(record, runId ? null : dagId)) }),
    more > 0 && h(Command, { command: `dataflow quarantine list ${dagId}${runId ? " --all" : ""}` },
      `and ${plural(more, "older record")}`),
    records.length > 0 && h(Command, { command: `dataflow quarantine show ${records[0].id}` }, "To look at the rows"),
    corrections > 0 && h(Command, { command: `dataflow quarantine corrections ${dagId}` },
      `${plural(corrections, "correction")} ${corrections === 1 ? "is" : "are"} made again, unasked, whenever a run reads the very same bad rows`));
}
