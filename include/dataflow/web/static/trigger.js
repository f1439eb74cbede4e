// The dialog that starts a run: a form made from the workflow's params, whose JSON schemas are Airflow's.

import { call } from "./shared.js";

const { createElement: h, useEffect, useRef, useState } = globalThis.React;
const { Alert, Button, Checkbox, CloseButton, Dialog, Field, Input, NativeSelect, Portal, Stack, Text, Textarea } =
  globalThis.ChakraUI;

const typesOf = (schema) => [schema.type].flat();
const kindOf = (schema) => typesOf(schema).find((type) => type !== "null");
const isLines = (schema) => kindOf(schema) === "array" && schema.items?.type === "string";
const isJson = (schema) => ["array", "object"].includes(kindOf(schema)) && !isLines(schema);
const isNumber = (schema) => ["integer", "number"].includes(kindOf(schema));
const isNullable = (schema) => typesOf(schema).includes("null");

const isNeeded = (schema) => !isNullable(schema) && !isLines(schema)
  && (kindOf(schema) !== "string" || Boolean(schema.enum || schema.pattern || schema.minLength
    || (schema.format && schema.format !== "multiline")));

const PLACEHOLDERS = { "date-time": "2025-01-31T12:00:00Z", email: "name@example.com", uri: "https://example.com" };
const INPUT_TYPES = { date: "date", time: "time" };

/** What the form shows for one of `enum` or `examples`. */
const display = (schema, item) => schema.values_display?.[String(item)] ?? String(item ?? "");
const linesOf = (text) => text.split("\n").map((line) => line.trim()).filter(Boolean);

/** What a field shows for a value. */
const written = (schema, value) => {
  if (kindOf(schema) === "boolean") return Boolean(value);
  if (value === null || value === undefined) return "";
  if (isLines(schema)) return value.join("\n");
  return isJson(schema) ? JSON.stringify(value, null, 2) : String(value);
};

/** The value that a field's text stands for. Throws where it is not JSON and should be. */
const read = (schema, text) => {
  if (kindOf(schema) === "boolean") return text;
  if (schema.enum) return schema.enum.find((item) => String(item ?? "") === text) ?? null;
  if (text === "" && isNullable(schema)) return null;
  if (isLines(schema)) return linesOf(text);
  if (text === "" && kindOf(schema) !== "string") return null;
  if (isNumber(schema)) return Number(text);
  // A browser leaves out the seconds where there are none.
  if (schema.format === "time" && /^\d\d:\d\d$/.test(text)) return `${text}:00`;
  return isJson(schema) ? JSON.parse(text) : text;
};

const rowsOf = (text, least) => Math.min(Math.max(text.split("\n").length, least), 10);

function control(schema, value, onChange, offered) {
  const shared = { onChange: (event) => onChange(event.target.value), size: "sm", value };
  if (schema.enum) {
    return h(NativeSelect.Root, { size: "sm" },
      h(NativeSelect.Field, { onChange: shared.onChange, value },
        schema.enum.map((item) => h("option", { key: String(item), value: String(item ?? "") }, display(schema, item)))),
      h(NativeSelect.Indicator));
  }
  if (isJson(schema)) return h(Textarea, { ...shared, fontFamily: "mono", fontSize: "xs", rows: rowsOf(value, 3),
    spellCheck: false });
  if (isLines(schema) || schema.format === "multiline") return h(Textarea, { ...shared, rows: rowsOf(value, 3) });
  if (isNumber(schema)) {
    return h(Input, { ...shared, list: offered, max: schema.maximum, min: schema.minimum,
      step: kindOf(schema) === "integer" ? 1 : "any", type: "number" });
  }
  return h(Input, { ...shared, list: offered, maxLength: schema.maxLength, minLength: schema.minLength,
    pattern: schema.pattern, placeholder: PLACEHOLDERS[schema.format], step: schema.format === "time" ? 1 : undefined,
    type: INPUT_TYPES[schema.format] ?? "text" });
}

/** What there is to say of a param: how a list is written, what it may hold, and the description. */
function help(schema) {
  const offered = isLines(schema) && schema.examples?.length > 0
    && `Such as: ${schema.examples.map((item) => display(schema, item)).join(", ")}.`;
  return [isLines(schema) && "One a line.", offered, schema.description].filter(Boolean).join(" ");
}

function Param({ name, schema, value, error, onChange }) {
  const label = schema.title || name;
  if (kindOf(schema) === "boolean") {
    return h(Field.Root, null,
      h(Checkbox.Root, { checked: value, colorPalette: "brand", onCheckedChange: (change) => onChange(change.checked === true),
        size: "sm" },
        h(Checkbox.HiddenInput), h(Checkbox.Control), h(Checkbox.Label, { fontWeight: "medium" }, label)),
      schema.description && h(Field.HelperText, null, schema.description));
  }
  const offered = schema.examples && !schema.enum && !isLines(schema) && !isJson(schema) ? `offered-${name}` : undefined;
  return h(Field.Root, { invalid: Boolean(error), required: isNeeded(schema) },
    h(Field.Label, null, label, h(Field.RequiredIndicator)),
    control(schema, value, onChange, offered),
    offered && h("datalist", { id: offered },
      schema.examples.map((item) => h("option", { key: String(item), value: String(item) }, display(schema, item)))),
    error && h(Field.ErrorText, null, error),
    help(schema) && h(Field.HelperText, null, help(schema)));
}

/** The params by the heading they are shown under, as Airflow's own form orders them: those without one come first. */
function sectionsOf(params) {
  const sections = new Map([["", []]]);
  for (const [name, schema] of params) {
    const section = schema.section ?? "";
    sections.set(section, [...(sections.get(section) ?? []), [name, schema]]);
  }
  return [...sections].filter(([, members]) => members.length > 0);
}

function Form({ workflow, onStarted }) {
  const params = Object.entries(workflow.params);
  const [values, setValues] = useState(() =>
    Object.fromEntries(params.map(([name, schema]) => [name, written(schema, schema.default)])));
  const [errors, setErrors] = useState({});
  const [refused, setRefused] = useState(null);
  const [busy, setBusy] = useState(false);

  const start = async (event) => {
    event.preventDefault();
    const given = {};
    const wrong = {};
    for (const [name, schema] of params) {
      try { given[name] = read(schema, values[name]); } catch (error) { wrong[name] = `This is not JSON: ${error.message}`; }
    }
    setErrors(wrong);
    setRefused(null);
    if (Object.keys(wrong).length > 0) return;
    setBusy(true);
    try {
      const run = await call(`workflows/${workflow.dag_id}/run`, { params: given });
      onStarted(workflow, run.dag_run_id);
    } catch (error) {
      setRefused(error.message);
      setBusy(false);
    }
  };

  return h("form", { onSubmit: start },
    h(Dialog.Header, null, h(Dialog.Title, null, `Trigger ${workflow.title}`)),
    h(Dialog.Body, null, h(Stack, { gap: 4 },
      params.length === 0 && h(Text, { color: "fg.muted", fontSize: "sm" },
        "This workflow takes no params. The run covers its last complete window."),
      sectionsOf(params).map(([section, members]) => h(Stack, { "aria-label": section || undefined, gap: 4, key: section,
        role: section ? "group" : undefined },
        section && h(Text, { borderTopWidth: 1, fontSize: "sm", fontWeight: "semibold", pt: 3 }, section),
        members.map(([name, schema]) => h(Param, { error: errors[name], key: name, name,
          onChange: (value) => setValues((all) => ({ ...all, [name]: value })), schema, value: values[name] })))),
      workflow.is_paused && h(Alert.Root, { size: "sm", status: "warning" }, h(Alert.Indicator),
        h(Alert.Title, null, "The workflow is paused: the run waits until it is unpaused.")),
      refused && h(Alert.Root, { role: "alert", size: "sm", status: "error" }, h(Alert.Indicator),
        h(Alert.Content, null, h(Alert.Title, null, "The run was not started"),
          h(Alert.Description, { maxHeight: "10rem", overflowY: "auto", whiteSpace: "pre-wrap", wordBreak: "break-word" },
            refused))))),
    h(Dialog.Footer, null,
      h(Dialog.ActionTrigger, { asChild: true }, h(Button, { size: "sm", variant: "outline" }, "Cancel")),
      h(Button, { colorPalette: "brand", "data-start": true, loading: busy, size: "sm", type: "submit" }, "Start run")),
    h(Dialog.CloseTrigger, { asChild: true }, h(CloseButton, { size: "sm" })));
}

/** The dialog for one workflow; closed where that is null. */
export function TriggerDialog({ workflow, onClose, onStarted }) {
  // The title stays while the dialog fades out.
  const [shown, setShown] = useState(workflow);
  const content = useRef(null);
  useEffect(() => { if (workflow) setShown(workflow); }, [workflow]);
  return h(Dialog.Root, { initialFocusEl: () => content.current?.querySelector("form input, form select, form textarea, [data-start]"),
    lazyMount: true, onOpenChange: (change) => { if (!change.open) onClose(); }, open: workflow !== null, size: "md",
    unmountOnExit: true },
    h(Portal, null, h(Dialog.Backdrop), h(Dialog.Positioner, null,
      h(Dialog.Content, { ref: content }, shown && h(Form, { key: shown.dag_id, onStarted, workflow: shown })))));
}
