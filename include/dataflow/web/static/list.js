// The table of workflows: what each is, when it runs, what it makes and how its last runs went.

import { ProblemText, problemKey } from "./problems.js";
import { ago, dagAddress, icon, moment, plural, runAddress, secondsOf, span } from "./shared.js";

const { createElement: h, useState } = globalThis.React;
const { Link: RouterLink } = globalThis.ReactRouterDOM;
const { Badge, Box, Button, Flex, HStack, Link, Stack, Table, Text } = globalThis.ChakraUI;

const ROWS = 100;
const BAR_HEIGHT = 28;
const SHADE = { _dark: { bg: "rgb(255 255 255 / 4%)" }, bg: "bg.subtle" };
const FROM_MEDIUM = { base: "none", md: "table-cell" };
const FROM_LARGE = { base: "none", xl: "table-cell" };

const told = (run) => {
  const took = run.start_date ? `, ${run.end_date ? "took" : "for"} ${span(secondsOf(run))}` : "";
  return `${run.state} ${run.run_type} run, ${moment(run.start_date ?? run.run_after)}${took}`;
};

/** The last runs as bars, the newest at the right; the longer the run, the higher its bar. One Tab stop, then arrows. */
function Bars({ workflow }) {
  const longest = Math.max(...workflow.runs.map(secondsOf), 1);
  const move = (event) => {
    const step = { ArrowLeft: "previousElementSibling", ArrowRight: "nextElementSibling" }[event.key];
    if (!step) return;
    event.preventDefault();
    event.target[step]?.focus();
  };
  return h(Flex, { align: "flex-end", "aria-label": `Last runs of ${workflow.title}`, height: `${BAR_HEIGHT}px`,
    onKeyDown: move, role: "group" },
    workflow.runs.map((run, index) => h(Link, { alignItems: "flex-end", asChild: true, borderRadius: "sm", height: "100%",
      key: run.run_id, px: "1.5px" },
      h(RouterLink, { "aria-label": told(run), tabIndex: index === workflow.runs.length - 1 ? 0 : -1, title: told(run),
        to: runAddress(workflow, run.run_id) },
        h(Box, { _hover: { opacity: 0.75 }, bg: `${run.state}.solid`, borderRadius: "2px", width: "7px",
          height: `${Math.round(7 + (BAR_HEIGHT - 7) * (secondsOf(run) / longest))}px` })))));
}

function Runs({ workflow }) {
  if (workflow.runs.length === 0) return h(Text, { color: "fg.muted", fontSize: "sm" }, "Never run");
  const last = workflow.runs.at(-1);
  const when = last.end_date ?? last.start_date ?? last.run_after;
  return h(Stack, { gap: 1.5 },
    h(Bars, { workflow }),
    h(HStack, { gap: 1.5, whiteSpace: "nowrap" },
      h(Badge, { colorPalette: last.state, size: "sm", variant: "subtle" }, last.state),
      h(Text, { color: "fg.muted", fontSize: "xs", title: moment(when) }, ago(when))));
}

function Names({ names }) {
  if (names.length === 0) return h(Text, { "aria-label": "none", color: "fg.subtle", fontSize: "sm" }, "–");
  const rest = names.length - 3;
  return h(Box, { fontSize: "sm", maxWidth: "11rem", title: names.join("\n") },
    names.slice(0, rest > 1 ? 3 : 4).map((name) => h(Text, { key: name, truncate: true }, name)),
    rest > 1 && h(Text, { color: "fg.muted", fontSize: "xs" }, `and ${rest} more`));
}

function About({ workflow }) {
  const broken = workflow.state === "broken";
  const made = [plural(workflow.tables.length, "table"), workflow.models.length > 0 && plural(workflow.models.length, "model")];
  return h(Stack, { gap: 1 },
    h(HStack, { gap: 2, wrap: "wrap" },
      h(Link, { asChild: true, color: "fg.info", fontWeight: "semibold" },
        h(RouterLink, { to: dagAddress(workflow) }, workflow.title)),
      broken && h(Badge, { colorPalette: "failed", size: "sm", variant: "solid" }, "broken"),
      workflow.is_paused && h(Badge, { size: "sm", variant: "outline" }, "paused")),
    h(Text, { color: "fg.muted", fontSize: "sm", lineClamp: 2, title: workflow.description }, workflow.description),
    h(Text, { color: "fg.muted", display: { base: "block", xl: "none" }, fontSize: "xs" },
      [workflow.owner, ...made].filter(Boolean).join(" · "),
      h(Box, { as: "span", display: { md: "none" } }, ` · ${workflow.schedule}`)),
    broken && h(Box, { borderColor: "failed.solid", borderLeftWidth: 2, pl: 2 },
      workflow.problems.slice(0, 2).map((problem) =>
        h(Box, { key: problemKey(problem) }, h(ProblemText, { problem, size: "xs" }))),
      h(Text, { color: "fg.muted", fontSize: "xs" }, "Shown as it last worked.")),
    workflow.tags.length > 0 && h(HStack, { gap: 1, pt: 0.5, wrap: "wrap" }, workflow.tags.map((tag) =>
      h(Badge, { fontWeight: "normal", key: tag, size: "sm", variant: "surface" }, tag))));
}

/** Asset names may break after a slash. */
const breakable = (text) => text.split(/(?<=[a-z]\/)/).flatMap((part, index) => (index ? [h("wbr", { key: index }), part] : [part]));

const refusal = (workflow) => {
  if (workflow.may_trigger) return undefined;
  return workflow.state === "broken" ? "Its config is broken: mend it first" : "You may not start this workflow";
};

function Row({ workflow, onTrigger }) {
  // On a narrow screen the row is a card: what it is, and below it how it went and what can be done.
  const cell = { borderBottomWidth: { base: 0, md: 1 }, px: 3, py: { base: 2, md: 3 }, verticalAlign: "top" };
  const due = workflow.next_run_after && !workflow.is_paused && workflow.state !== "broken";
  return h(Table.Row, { _hover: SHADE, borderBottomWidth: { base: 1, md: 0 }, "data-testid": `workflow-${workflow.dag_id}`,
    display: { base: "grid", md: "table-row" }, gridTemplateColumns: "1fr auto" },
    h(Table.Cell, { ...cell, gridColumn: "1 / -1", minWidth: { md: "14rem" } }, h(About, { workflow })),
    h(Table.Cell, { ...cell, display: FROM_MEDIUM },
      h(Text, { fontSize: "sm", maxWidth: "14rem" }, breakable(workflow.schedule)),
      due && h(Text, { color: "fg.muted", fontSize: "xs", title: moment(workflow.next_run_after), whiteSpace: "nowrap" },
        new Date(workflow.next_run_after) > Date.now() ? `next ${ago(workflow.next_run_after)}` : "due now")),
    h(Table.Cell, { ...cell, display: FROM_LARGE }, h(Text, { fontSize: "sm", maxWidth: "10rem", title: workflow.owner, truncate: true },
      workflow.owner)),
    h(Table.Cell, { ...cell, display: FROM_LARGE }, h(Names, { names: workflow.tables.map((table) => table.name) })),
    h(Table.Cell, { ...cell, display: FROM_LARGE }, h(Names, { names: workflow.models })),
    h(Table.Cell, { ...cell, width: { md: "1%" } }, h(Runs, { workflow })),
    h(Table.Cell, { ...cell, alignSelf: "end", textAlign: "right", width: { md: "1%" } },
      h(Button, { "aria-label": `Trigger ${workflow.title}`, disabled: !workflow.may_trigger,
        onClick: () => onTrigger(workflow), px: 2.5, size: "xs", title: refusal(workflow), variant: "outline" },
        icon("play", 12), "Trigger")));
}

const COLUMNS = [["Workflow"], ["Schedule", FROM_MEDIUM], ["Owner", FROM_LARGE], ["Tables", FROM_LARGE],
  ["Models", FROM_LARGE], ["Last runs"]];

/** The table; the first hundred rows, and all of them when asked. */
export function List({ workflows, onTrigger }) {
  const [all, setAll] = useState(false);
  const shown = all ? workflows : workflows.slice(0, ROWS);
  const head = { ...SHADE, color: "fg.muted", fontSize: "xs", fontWeight: "semibold", px: 3, py: 2 };
  return h(Stack, { gap: 2 },
    h(Box, { borderRadius: "md", borderWidth: 1, overflowX: "auto" },
      h(Table.Root, { "aria-label": "Workflows", display: { base: "block", md: "table" }, size: "sm" },
        h(Table.Header, { display: { base: "none", md: "table-header-group" } }, h(Table.Row, null,
          COLUMNS.map(([name, display]) => h(Table.ColumnHeader, { ...head, display, key: name, scope: "col" }, name)),
          h(Table.ColumnHeader, { ...head, scope: "col" }, h(Box, { as: "span", srOnly: true }, "Actions")))),
        h(Table.Body, { css: { "& tr:last-of-type, & tr:last-of-type td": { borderBottomWidth: 0 } },
          display: { base: "block", md: "table-row-group" } },
          shown.map((workflow) => h(Row, { key: workflow.dag_id, onTrigger, workflow }))))),
    shown.length < workflows.length && h(Box, { textAlign: "center" },
      h(Button, { onClick: () => setAll(true), size: "sm", variant: "ghost" }, `Show all ${plural(workflows.length, "workflow")}`)));
}
