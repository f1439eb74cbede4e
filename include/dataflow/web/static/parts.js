// What the tabs are made of: sections, small tables, the words and colours of states, what is said where nothing is.

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

/** A table; each row is a list of cells, or `{ cells, below }` where something stands across below it. */
export function Grid({ label, columns, rows }) {
  const cell = { fontSize: "sm", px: 3, py: 2, verticalAlign: "top" };
  return h(Box, { borderRadius: "md", borderWidth: 1, overflowX: "auto" },
    h(Table.Root, { "aria-label": label, size: "sm" },
      h(Table.Header, null, h(Table.Row, null,
        columns.map((name) => h(Table.ColumnHeader, { ...HEAD, key: name, scope: "col", whiteSpace: "nowrap" }, name)))),
      h(Table.Body, { css: { "& tr:last-of-type td": { borderBottomWidth: 0 } } }, rows.flatMap((row, index) => {
        const { cells, below } = Array.isArray(row) ? { cells: row } : row;
        const line = h(Table.Row, { key: index }, cells.map((value, place) =>
          h(Table.Cell, { ...cell, ...(below ? { borderBottomWidth: 0 } : {}), key: columns[place] }, value)));
        return below ? [line, h(Table.Row, { key: `${index}-below` },
          h(Table.Cell, { colSpan: columns.length, pb: 3, pt: 0, px: 3 }, below))] : [line];
      }))));
}

export const Mono = ({ children }) =>
  h(Box, { as: "code", fontFamily: "mono", fontSize: "xs", wordBreak: "break-word" }, children);

export const Muted = ({ children }) => h(Box, { as: "span", color: "fg.muted" }, children);

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
