// The Workflows page: every workflow that the caller may read, its runs and its problems.
//
// Hand-written ES modules on the globals that Airflow's page gives its plugins (React, Chakra UI, React Router): no
// build, no node, and theme, dark mode and status colours are Airflow's own.

import { useAnswer } from "./asking.js";
import { List } from "./list.js";
import { Problems } from "./problems.js";
import { dagAddress, icon, plural, runAddress } from "./shared.js";
import { TriggerDialog } from "./trigger.js";

const { createElement: h, useEffect, useLayoutEffect, useRef, useState } = globalThis.React;
const { Link: RouterLink, useNavigate, useSearchParams } = globalThis.ReactRouterDOM;
const { Alert, Box, Button, ButtonGroup, CloseButton, Flex, Heading, Input, InputGroup, Kbd, Link, Skeleton, Stack, Text } =
  globalThis.ChakraUI;

const lastState = (workflow) => workflow.runs.at(-1)?.state;
const VIEWS = {
  All: () => true,
  Failed: (workflow) => lastState(workflow) === "failed",
  Running: (workflow) => ["running", "queued"].includes(lastState(workflow)),
  Broken: (workflow) => workflow.state === "broken",
  Paused: (workflow) => workflow.is_paused,
};

const matches = (workflow, words) => {
  const text = [workflow.dag_id, workflow.title, workflow.description, workflow.owner, workflow.domain,
    ...workflow.tags, ...workflow.models, ...workflow.tables.map((table) => table.name)].join(" ").toLowerCase();
  return words.every((word) => text.includes(word));
};

/** The filter, also kept in the address: coming back from a DAG finds the list as it was left. */
function useFilter() {
  const [given] = useSearchParams();
  const [text, setText] = useState(given.get("q") ?? "");
  const [view, setView] = useState(given.get("view") in VIEWS ? given.get("view") : "All");
  useEffect(() => {
    const kept = new URLSearchParams(
      Object.entries({ q: text, view: view === "All" ? "" : view }).filter(([, value]) => value)).toString();
    // Past the router: Airflow's page makes its plugin anew at every step of the router, and the field would lose focus.
    const { history, location } = globalThis;
    history.replaceState(history.state, "", `${location.pathname}${kept ? "?" : ""}${kept}${location.hash}`);
  }, [text, view]);
  return { setText, setView, text, view };
}

function Filter({ text, onText, onEnter }) {
  const input = useRef(null);
  useLayoutEffect(() => {
    const focus = (event) => {
      const typing = event.target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
      if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      input.current?.focus();
    };
    globalThis.addEventListener("keydown", focus);
    return () => globalThis.removeEventListener("keydown", focus);
  }, []);
  const pressed = (event) => {
    if (event.key === "Enter") onEnter();
    if (event.key === "Escape") { onText(""); event.target.blur(); }
  };
  return h(InputGroup, { endElement: text ? undefined : h(Kbd, { size: "sm" }, "/"), startElement: icon("search"),
    width: { base: "100%", md: "22rem" } },
    h(Input, { "aria-keyshortcuts": "/", "aria-label": "Filter workflows", onChange: (event) => onText(event.target.value),
      onKeyDown: pressed, placeholder: "Filter by name, owner, tag, table", ref: input, size: "sm", type: "search",
      value: text }));
}

function Views({ workflows, view, onView }) {
  return h(Box, { maxWidth: "100%", overflowX: "auto", p: "2px", m: "-2px" },
    h(ButtonGroup, { "aria-label": "Show", attached: true, role: "group", size: "sm", variant: "outline" }, Object.entries(VIEWS).map(([name, holds]) => {
      const count = workflows.filter(holds).length;
      return h(Button, { "aria-pressed": view === name, colorPalette: "brand", disabled: count === 0 && view !== name,
        key: name, onClick: () => onView(name), px: 3, variant: view === name ? "solid" : "outline" },
        name, h(Box, { as: "span", fontWeight: "normal", opacity: 0.75 }, count.toLocaleString()));
    })));
}

function Started({ started, onClose }) {
  return h(Alert.Root, { alignItems: "center", size: "sm", status: "success" }, h(Alert.Indicator),
    h(Alert.Title, { flex: 1 }, `${started.workflow.title} is started: `,
      h(Link, { asChild: true, textDecoration: "underline", wordBreak: "break-all" },
        h(RouterLink, { to: runAddress(started.workflow, started.runId) }, started.runId))),
    h(CloseButton, { "aria-label": "Dismiss", onClick: onClose, size: "xs" }));
}

function Unreadable({ error, onAgain }) {
  return h(Alert.Root, { alignItems: "center", size: "sm", status: "error" }, h(Alert.Indicator),
    h(Alert.Title, { flex: 1 }, `The workflows cannot be read: ${error}`),
    h(Button, { onClick: onAgain, size: "xs", variant: "outline" }, "Try again"));
}

function Empty({ title, children }) {
  return h(Stack, { align: "center", borderRadius: "md", borderStyle: "dashed", borderWidth: 1, gap: 1, px: 6, py: 14,
    textAlign: "center" }, h(Text, { fontWeight: "semibold" }, title), h(Text, { color: "fg.muted", fontSize: "sm" }, children));
}

function Waiting() {
  return h(Stack, { "aria-label": "Reading the workflows", gap: 2, role: "status" },
    [0, 1, 2].map((line) => h(Skeleton, { height: "5rem", key: line })));
}

function Found({ answer, filter, onTrigger }) {
  const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = answer.workflows.filter((workflow) => VIEWS[filter.view](workflow) && matches(workflow, words));
  const navigate = useNavigate();
  if (answer.workflows.length === 0) {
    return h(Empty, { title: "No workflows yet" },
      "There is none, or none that you may read. Write include/workflows/<name>/config.yaml and it appears here.");
  }
  return h(Stack, { gap: 3 },
    h(Flex, { align: "center", gap: 3, justify: "space-between", wrap: "wrap" },
      h(Views, { onView: filter.setView, view: filter.view, workflows: answer.workflows }),
      h(Filter, { onEnter: () => shown.length > 0 && navigate(dagAddress(shown[0])), onText: filter.setText, text: filter.text })),
    shown.length > 0 ? h(List, { onTrigger, workflows: shown })
      : h(Empty, { title: "Nothing matches" }, "Change the filter, or press Escape in it to clear it."));
}

function WorkflowsPage() {
  const { answer, error, refresh } = useAnswer("workflows");
  const filter = useFilter();
  const [triggering, setTriggering] = useState(null);
  const [started, setStarted] = useState(null);
  const onStarted = (workflow, runId) => { setTriggering(null); setStarted({ runId, workflow }); refresh(); };
  return h(Box, { height: "100%", overflowY: "auto", p: 2, pb: 6 }, h(Stack, { gap: 4 },
    h(Flex, { align: "baseline", gap: 3 },
      h(Heading, { as: "h1", size: "xl" }, "Workflows"),
      answer && h(Text, { "aria-live": "polite", color: "fg.muted", fontSize: "sm" }, plural(answer.workflows.length, "workflow"))),
    error && h(Unreadable, { error: error.message, onAgain: refresh }),
    h(Box, { "aria-live": "polite", display: started ? "block" : "none" },
      started && h(Started, { onClose: () => setStarted(null), started })),
    answer && h(Problems, { problems: answer.problems }),
    answer ? h(Found, { answer, filter, onTrigger: setTriggering }) : !error && h(Waiting),
    h(TriggerDialog, { onClose: () => setTriggering(null), onStarted, workflow: triggering })));
}

// Airflow's page takes the component from here.
globalThis.AirflowPlugin = WorkflowsPage;
globalThis.Workflows = WorkflowsPage;
