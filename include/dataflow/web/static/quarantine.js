// Rows that were set aside: what waits of a workflow, what a run quarantined. Rows themselves are looked at with the CLI.

import { Grid, Mono, Muted, Nothing, Section, State } from "./parts.js";
import { ago, moment, plural, runAddress } from "./shared.js";

const { createElement: h } = globalThis.React;
const { Link: RouterLink } = globalThis.ReactRouterDOM;
const { Box, Link, Text } = globalThis.ChakraUI;

/** Airflow has no page of a run that was started without it. */
const isAirflows = (runId) => !/^(local|replay)__/.test(runId);

const row = (record, dagId) => [
  String(record.id),
  h(Mono, null, record.table),
  record.rows.toLocaleString(),
  h(Box, { maxWidth: "34rem", minWidth: "14rem" },
    h(Box, { fontWeight: "medium", wordBreak: "break-word" }, record.rules.join(", ")),
    h(Muted, null, record.reason)),
  h(State, { state: record.state }),
  dagId && isAirflows(record.run_id) ? h(Link, { asChild: true, color: "fg.info", title: record.run_id, whiteSpace: "nowrap" },
    h(RouterLink, { to: `${runAddress({ dag_id: dagId }, record.run_id)}/plugin/run` }, ago(record.quarantined_at)))
    : h(Box, { as: "span", title: `${record.run_id}, ${moment(record.quarantined_at)}`, whiteSpace: "nowrap" }, ago(record.quarantined_at)),
  h(Mono, null, `dataflow quarantine show ${record.id}`),
];

/** The records; with a `dagId` each leads to its run, where Airflow has one. */
export function Quarantine({ quarantine, dagId, empty }) {
  const waiting = quarantine.rows > 0 ? `${plural(quarantine.rows, "row")} ${quarantine.rows === 1 ? "waits" : "wait"}` : "";
  return h(Section, { note: waiting, title: "Quarantine" },
    quarantine.records.length === 0 ? h(Nothing, null, empty)
      : h(Grid, { columns: ["Id", "Table", "Rows", "Why", "State", "When", "Look at the rows"], label: "Quarantine",
        rows: quarantine.records.map((record) => row(record, dagId)) }),
    quarantine.more > 0 && h(Text, { color: "fg.muted", fontSize: "sm" },
      `and ${quarantine.more.toLocaleString()} older; dataflow quarantine list shows them all`));
}
