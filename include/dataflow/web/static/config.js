// What the config says: sources as they are written, and the columns of tables.

import { Grid, Mono, Muted, Nothing, Section } from "./parts.js";
import { plural } from "./shared.js";

const { createElement: h } = globalThis.React;
const { Badge, Box, Stack } = globalThis.ChakraUI;

/** Nested keys as dotted paths, each with its value. */
const written = (value, path = []) => {
  if (value !== null && typeof value === "object" && !Array.isArray(value)) {
    return Object.entries(value).flatMap(([key, inner]) => written(inner, [...path, key]));
  }
  return [[path.join("."), typeof value === "string" ? value : JSON.stringify(value)]];
};

const said = (source) => h(Stack, { as: "dl", gap: 1 }, written(source.config).map(([key, value]) =>
  h(Box, { key }, h(Box, { as: "dt", color: "fg.muted", display: "inline", fontSize: "xs" }, `${key}: `),
    h(Box, { as: "dd", display: "inline", whiteSpace: "pre-wrap" }, h(Mono, null, value)))));

export function Sources({ sources }) {
  return h(Section, { note: "as the config says it; references are not resolved", title: "Sources" },
    sources.length === 0 ? h(Nothing, null, "This workflow reads no source.")
      : h(Grid, { columns: ["Source", "Type", "Config"], label: "Sources", rows: sources.map((source) => [
        h(Box, null, h(Box, { fontWeight: "medium" }, source.name), h(Muted, null, source.description)),
        source.type,
        said(source),
      ]) }));
}

const path = (column) => (column.path ? h(Mono, null, column.path) : h(Muted, null, "–"));

const about = (column) => h(Stack, { gap: 1 },
  column.sensitive && h(Box, null, h(Badge, { colorPalette: "orange", size: "sm", variant: "subtle" }, "sensitive")),
  column.description);

const COLUMNS = [
  ["Column", (column) => h(Mono, null, column.name), () => true],
  ["Type", (column) => h(Mono, null, column.type), () => true],
  ["Path", path, (column) => column.path],
  ["About", about, (column) => column.sensitive || column.description],
];

/** What is declared of a table's columns, without what is said of none. */
function Columns({ table }) {
  const shown = COLUMNS.filter(([, , isSaid]) => table.declared.some(isSaid));
  return h(Grid, { columns: shown.map(([name]) => name), label: `Columns of ${table.name}`,
    rows: table.declared.map((column) => shown.map(([, cell]) => cell(column))) });
}

export function Tables({ tables }) {
  return h(Section, { note: "columns as their sources declare them; a transform may change them", title: "Tables" },
    tables.length === 0 && h(Nothing, null, "This workflow loads no table."),
    tables.map((table) => h(Stack, { gap: 1.5, key: table.name },
      h(Box, { fontSize: "sm", fontWeight: "semibold" }, table.name, " ",
        h(Box, { as: "span", color: "fg.muted", fontWeight: "normal" },
          table.declared.length > 0 ? plural(table.declared.length, "column") : "")),
      table.declared.length === 0 ? h(Nothing, null, "No columns are declared: they are taken from the source, or made by its transform.")
        : h(Columns, { table }))));
}
