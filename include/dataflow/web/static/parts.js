// What the tabs are made of: sections, small tables, the words and colours of states, what is said where nothing is.

import { moment } from "./shared.js";

const { createElement: h, useId } = globalThis.React;
const { Alert, Badge, Box, Button, Flex, Heading, Skeleton, Stack, Table, Text } = globalThis.ChakraUI;

const HEAD = { _dark: { bg: "rgb(255 255 255 / 4%)" }, bg: "bg.subtle", color: "fg.muted", fontSize: "xs",
  fontWeight: "semibold", px: 3, py: 2 };

const STATES = {
  COMPLETED: ["completed", "success"],
  FAILED: ["failed", "failed"],
  OPEN: ["running", "running"],
  SUPERSEDED: ["superseded", "gray"],
  error: ["error", "failed"],
  failed: ["failed", "failed"],
  info: ["info", "blue"],
  interrupted: ["interrupted", "orange"],
  passed: ["passed", "success"],
  quarantined: ["quarantined", "purple"],
  "read again": ["read again", "gray"],
  replayed: ["replayed", "success"],
  running: ["running", "running"],
  skipped: ["skipped", "skipped"],
  succeeded: ["succeeded", "success"],
  waits: ["waits", "purple"],
  "waits in part": ["waits in part", "purple"],
  warned: ["warned", "orange"],
  warning: ["warning", "orange"],
};

/** A state in its word and colour. */
export function State({ state }) {
  const [word, colorPalette] = STATES[state] ?? [state, "gray"];
  return h(Badge, { colorPalette, size: "sm", variant: "subtle", whiteSpace: "nowrap" }, word);
}

export function Section({ title, note, children }) {
  const id = useId();
  return h(Stack, { "aria-labelledby": id, as: "section", gap: 2 },
    h(Flex, { align: "baseline", columnGap: 3, wrap: "wrap" },
      h(Heading, { as: "h2", id, size: "md" }, title),
      note && h(Text, { color: "fg.muted", fontSize: "sm" }, note)),
    children);
}

/** Said in place of what is not there. */
export const Nothing = ({ children }) => h(Text, { color: "fg.muted", fontSize: "sm" }, children);

/** A table; each row is a list of cells, or `{ cells, below }` where something stands across below it.

What stands below stays in sight where the table is wider than the screen. */
export function Grid({ label, columns, rows }) {
  const cell = { fontSize: "sm", px: 3, py: 2, verticalAlign: "top" };
  const inSight = { left: 3, position: "sticky", width: "calc(100cqw - 1.5rem)" };
  return h(Box, { borderRadius: "md", borderWidth: 1, css: { containerType: "inline-size" }, overflowX: "auto" },
    h(Table.Root, { "aria-label": label, size: "sm" },
      h(Table.Header, null, h(Table.Row, null,
        columns.map((name) => h(Table.ColumnHeader, { ...HEAD, key: name, scope: "col", whiteSpace: "nowrap" }, name)))),
      h(Table.Body, { css: { "& tr:last-of-type td": { borderBottomWidth: 0 } } }, rows.flatMap((row, index) => {
        const { cells, below } = Array.isArray(row) ? { cells: row } : row;
        const line = h(Table.Row, { key: index }, cells.map((value, place) =>
          h(Table.Cell, { ...cell, ...(below ? { borderBottomWidth: 0 } : {}), key: columns[place] }, value)));
        return below ? [line, h(Table.Row, { key: `${index}-below` },
          h(Table.Cell, { colSpan: columns.length, fontSize: "sm", pb: 3, pt: 0, px: 3 }, h(Box, inSight, below)))] : [line];
      }))));
}

const UNBROKEN = 26;

/** A name that a narrow table breaks after a slash, a dot or an underscore, and elsewhere only where it is very long. */
function Whole({ children, ...style }) {
  const parts = typeof children === "string" ? children.split(/(?<=[/._])/) : [children];
  const longest = Math.max(...parts.flatMap((part) => String(part).split(/\s/)).map((word) => word.length));
  return h(Box, { display: "inline-block", minWidth: `${Math.min(longest, UNBROKEN)}ch`, wordBreak: "break-word", ...style },
    parts.flatMap((part, index) => (index ? [h("wbr", { key: index }), part] : [part])));
}

export const Mono = ({ children }) => h(Whole, { as: "code", fontFamily: "mono", fontSize: "xs" }, children);

export const Name = ({ children }) => h(Whole, { fontWeight: "medium" }, children);

export const Muted = ({ children }) => h(Box, { as: "span", color: "fg.muted" }, children);

/** What is to be read first, and below it what there is to say of it. */
export const Told = ({ children, message }) => h(Box, { maxWidth: "44rem", minWidth: "8.5rem" }, children,
  message && h(Box, { color: "fg.muted", wordBreak: "break-word" }, message));

/** A moment that breaks between its day and its time, if at all. */
export const Moment = ({ at }) => moment(at).split(/ (?=\d)/).flatMap((part, index) =>
  [index ? " " : null, h(Box, { as: "span", key: part, whiteSpace: "nowrap" }, part)]);

/** A tab with its answer; before it comes, and where it does not come, that is said. */
export function Tab({ asked, missing, children }) {
  const { answer, error, refresh } = asked;
  const gone = error?.status === 404;
  return h(Box, { height: "100%", overflowY: "auto", p: 2, pb: 6 }, h(Stack, { gap: 6 },
    gone && h(Stack, { align: "center", borderRadius: "md", borderStyle: "dashed", borderWidth: 1, px: 6, py: 14 },
      h(Text, { color: "fg.muted", fontSize: "sm" }, missing)),
    error && !gone && h(Alert.Root, { alignItems: "center", role: "alert", size: "sm", status: "error" }, h(Alert.Indicator),
      h(Alert.Title, { flex: 1 }, `This cannot be read: ${error.message}`),
      h(Button, { onClick: refresh, size: "xs", variant: "outline" }, "Try again")),
    answer && !gone ? children(answer) : !error && h(Stack, { "aria-label": "Reading", gap: 2, role: "status" },
      [0, 1, 2].map((line) => h(Skeleton, { height: "5rem", key: line })))));
}
