// What the page's parts share: calls of the API, words for times and counts, icons.

const { createElement: h } = globalThis.React;

export class Refused extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

const toldBy = (detail, fallback) => {
  if (typeof detail === "string") return detail;
  if (Array.isArray(detail)) return detail.map((item) => item.msg ?? JSON.stringify(item)).join("; ");
  return detail === undefined ? fallback : JSON.stringify(detail);
};

/** Ask the API; a body makes it a POST. Throws `Refused` with the server's own words. */
export async function call(path, body) {
  // Relative to the page's base, so that it holds under a base path such as /airflow.
  const address = new URL(`dataflow/api/${path}`, document.baseURI);
  const answer = await fetch(address, body === undefined ? {} : {
    body: JSON.stringify(body), headers: { "Content-Type": "application/json" }, method: "POST",
  });
  if (!answer.ok) {
    const fallback = `${answer.status} ${answer.statusText}`.trim();
    throw new Refused(await answer.json().then((value) => toldBy(value.detail, fallback), () => fallback),
      answer.status);
  }
  return answer.json();
}

const UNITS = [["year", 31_536_000], ["month", 2_592_000], ["day", 86_400], ["hour", 3_600], ["minute", 60]];

/** "3 minutes ago", "in 2 hours". */
export const ago = (iso) => {
  if (!iso) return "";
  const seconds = Math.round((new Date(iso) - Date.now()) / 1000);
  const form = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
  for (const [unit, length] of UNITS) {
    if (Math.abs(seconds) >= length) return form.format(Math.trunc(seconds / length), unit);
  }
  return form.format(seconds, "second");
};

/** "2025-01-31 06:00:00 UTC", as the CLI, the logs and Airflow's own page write it. */
export const moment = (iso) => (iso ? `${new Date(iso).toISOString().slice(0, 19).replace("T", " ")} UTC` : "");

export const secondsOf = (run) =>
  (run.start_date ? Math.max(0, (new Date(run.end_date ?? Date.now()) - new Date(run.start_date)) / 1000) : 0);

export const span = (seconds) => {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 59.5) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
};

export const plural = (count, one) => `${count.toLocaleString()} ${one}${count === 1 ? "" : "s"}`;

export const dagAddress = (workflow) => `/dags/${workflow.dag_id}`;
/** Airflow's own links leave these two as they are, and it marks the tab of an address only where it is written so. */
const inPath = (text) => encodeURIComponent(text).replaceAll("%3A", ":").replaceAll("%2B", "+");
export const runAddress = (workflow, runId) => `${dagAddress(workflow)}/runs/${inPath(runId)}`;

const PATHS = {
  alert: "M12 9v4m0 4h.01M10.3 3.9 2.4 17.5A2 2 0 0 0 4.1 20.5h15.8a2 2 0 0 0 1.7-3L13.7 3.9a2 2 0 0 0-3.4 0z",
  play: "M7 4.5v15l12-7.5z",
  search: "M21 21l-4.3-4.3M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14z",
};

export const icon = (name, size = 16) => h("svg", {
  "aria-hidden": true, fill: "none", height: size, stroke: "currentColor", strokeLinecap: "round",
  strokeLinejoin: "round", strokeWidth: 2, style: { flexShrink: 0 }, viewBox: "0 0 24 24", width: size,
}, h("path", { d: PATHS[name] }));
