// What is wrong with configs, each problem at its place with the way out.

import { icon, plural } from "./shared.js";

const { createElement: h, useState } = globalThis.React;
const { Box, Button, Code, Flex, Heading, HStack, Text } = globalThis.ChakraUI;

const SHOWN = 4;

export const problemKey = (problem) => [problem.path, problem.line, problem.column, problem.key, problem.message].join(":");

/** One problem: what, and how to mend it. */
export function ProblemText({ problem, size = "sm" }) {
  return h(Text, { as: "span", fontSize: size },
    problem.key && h(Box, { as: "span", fontWeight: "semibold" }, `${problem.key}: `),
    problem.message,
    problem.hint && h(Box, { as: "span", color: "fg.muted" }, `; ${problem.hint}`));
}

function Line({ problem }) {
  return h(Flex, { align: "baseline", as: "li", borderColor: "border", borderTopWidth: 1, columnGap: 3,
    direction: { base: "column", lg: "row" }, listStyleType: "none", px: 4, py: 2, rowGap: 1 },
    h(Code, { bg: "bg.muted", color: "fg", flexShrink: 0, fontSize: "xs", maxWidth: "100%", px: 1.5, py: 0.5,
      variant: "plain", whiteSpace: "normal", wordBreak: "break-all" },
      `${problem.path}:${problem.line}:${problem.column}`),
    h(ProblemText, { problem }));
}

/** Every problem that the caller may see; nothing where there is none. */
export function Problems({ problems }) {
  const [all, setAll] = useState(false);
  if (problems.length === 0) return null;
  const shown = all ? problems : problems.slice(0, SHOWN);
  return h(Box, { as: "section", "aria-labelledby": "dataflow-problems", borderColor: "border",
    borderLeftColor: "failed.solid", borderRadius: "md", borderWidth: "1px 1px 1px 4px", "data-testid": "problems",
    overflow: "hidden" },
    h(HStack, { gap: 2, px: 4, py: 2.5, wrap: "wrap" },
      h(Box, { as: "span", color: "failed.solid" }, icon("alert", 18)),
      h(Heading, { as: "h2", fontSize: "sm", id: "dataflow-problems", lineHeight: "short" },
        `${plural(problems.length, "problem")} in configs`),
      h(Text, { color: "fg.muted", fontSize: "sm" }, "Healthy workflows are not affected.")),
    h(Box, { as: "ul" }, shown.map((problem) => h(Line, { key: problemKey(problem), problem }))),
    problems.length > SHOWN && h(Box, { borderColor: "border", borderTopWidth: 1, px: 2, py: 1 },
      h(Button, { "aria-expanded": all, onClick: () => setAll(!all), size: "xs", variant: "ghost" },
        all ? "Show fewer" : `Show all ${plural(problems.length, "problem")}`)));
}
