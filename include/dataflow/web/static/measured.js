// What anomaly checks measured of the last windows: a line, and behind it the band in which it was expected.

import { Grid, Mono, Muted, Name, Nothing, Section, State } from "./parts.js";
import { moment, plural } from "./shared.js";

const { createElement: h } = globalThis.React;
const { Box } = globalThis.ChakraUI;

const WIDTH = 260;
const HEIGHT = 48;
const EDGE = 4;

const isOdd = ({ figure, low, high }) => (low !== null && figure < low) || (high !== null && figure > high);

const number = (value) => value.toLocaleString(undefined, { maximumSignificantDigits: 4 });

/** "8 to 12", "up to 12"; nothing where too few windows are known. */
const expected = ({ low, high }) => {
  if (high === null && low === null) return "";
  if (low === null) return `up to ${number(high)}`;
  return high === null ? `from ${number(low)}` : `${number(low)} to ${number(high)}`;
};

const told = (each) => {
  const usual = expected(each);
  return `${moment(each.window_start)}: ${number(each.figure)}${usual ? `, usual is ${usual}` : ""}`;
};

/** Where a value lies on the page. Bounds that are far off are cut, so that the line keeps its shape. */
function scaleOf(figures) {
  const values = figures.map((each) => each.figure);
  const bounds = figures.flatMap(({ low, high }) => [low, high]).filter((value) => value !== null);
  let [least, most] = [Math.min(...values), Math.max(...values)];
  const reach = Math.max(most - least, Math.abs(most) * 0.2, 1e-9) * 1.5;
  least = Math.max(Math.min(least, ...bounds), least - reach);
  most = Math.min(Math.max(most, ...bounds), most + reach);
  const height = HEIGHT - 2 * EDGE;
  const across = (WIDTH - 2 * EDGE) / Math.max(figures.length - 1, 1);
  return {
    x: (index) => EDGE + index * across,
    y: (value) => EDGE + height * (1 - (Math.min(Math.max(value, least), most) - least) / (most - least || 1)),
  };
}

/** The windows of which the band is known, as stretches without a gap. */
const stretches = (figures) => figures.reduce((found, each, index) => {
  if (each.high === null) return [...found, []];
  return [...found.slice(0, -1), [...(found.at(-1) ?? []), index]];
}, [[]]).filter((stretch) => stretch.length > 0);

function Plot({ measured }) {
  const { figures } = measured;
  const { x, y } = scaleOf(figures);
  const band = (stretch) => {
    const ends = stretch.length > 1 ? stretch.map((index) => [x(index), index])
      : [[x(stretch[0]) - 3, stretch[0]], [x(stretch[0]) + 3, stretch[0]]];
    const above = ends.map(([at, index]) => `${at},${y(figures[index].high)}`);
    const below = ends.map(([at, index]) => `${at},${figures[index].low === null ? HEIGHT - EDGE : y(figures[index].low)}`);
    return [...above, ...below.reverse()].join(" ");
  };
  const odd = figures.filter(isOdd).length;
  const label = `${measured.name} of the last ${plural(figures.length, "window")}, ${odd} outside of what was expected. `
    + `Last: ${told(figures.at(-1))}`;
  return h("svg", { "aria-label": label, height: HEIGHT, preserveAspectRatio: "xMinYMid meet", role: "img",
    style: { display: "block", maxWidth: WIDTH, minWidth: WIDTH / 2 }, viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: "100%" },
  h(Box, { as: "g", color: "success.solid" }, stretches(figures).map((stretch) =>
    h("polygon", { fill: "currentColor", key: stretch[0], opacity: 0.22, points: band(stretch) }))),
  h(Box, { as: "g", color: "fg.muted" }, h("polyline", { fill: "none", points: figures.map((each, index) =>
    `${x(index)},${y(each.figure)}`).join(" "), stroke: "currentColor", strokeLinejoin: "round", strokeWidth: 1.5 })),
  figures.map((each, index) => h(Box, { as: "g", color: isOdd(each) ? "failed.solid" : "fg.muted", key: each.window_start },
    h("circle", { cx: x(index), cy: y(each.figure), fill: "currentColor", r: isOdd(each) ? 3.5 : 1.8 },
      h("title", null, told(each))))));
}

const row = (measured) => {
  const last = measured.figures.at(-1);
  return [
    h(Box, null, h(Name, null, measured.name), h(Box, null, h(Mono, null, measured.table), " ", h(Muted, null, measured.measures))),
    h(Plot, { measured }),
    h(Box, { whiteSpace: "nowrap" }, number(last.figure), " ", isOdd(last) && h(State, { state: "warning" })),
    expected(last) || h(Muted, null, "not known yet"),
  ];
};

/** The history of each anomaly check. */
export function Measured({ measured }) {
  return h(Section, { note: "what anomaly checks measured, window by window", title: "Check history" },
    measured.length === 0 ? h(Nothing, null, "No anomaly check has measured anything yet.")
      : h(Grid, { columns: ["Check", "Last windows", "Last", "Expected"], label: "Check history", rows: measured.map(row) }));
}
