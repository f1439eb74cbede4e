// The Workflow tab of a DAG: what waits in quarantine, what anomaly checks measured, and what its config says.

import { useAnswer } from "./asking.js";
import { Sources, Tables } from "./config.js";
import { Measured } from "./measured.js";
import { Nothing, Section, Tab } from "./parts.js";
import { Problems } from "./problems.js";
import { Quarantine } from "./quarantine.js";

const { createElement: h, Fragment } = globalThis.React;
const { Alert } = globalThis.ChakraUI;

const unread = (workflow) => (workflow.history_problem
  ? h(Alert.Root, { role: "alert", size: "sm", status: "warning" }, h(Alert.Indicator),
    h(Alert.Title, null, `Run history cannot be read: ${workflow.history_problem}`))
  : h(Section, { title: "Quarantine" }, h(Nothing, null, "There is no run history yet.")));

function WorkflowTab({ dagId }) {
  const asked = useAnswer(`workflows/${encodeURIComponent(dagId)}`);
  return h(Tab, { asked, missing: "This DAG is not built from a workflow." }, (workflow) => h(Fragment, null,
    h(Problems, { problems: workflow.problems }),
    workflow.quarantine ? h(Quarantine, { corrections: workflow.corrections, dagId, empty: "Nothing waits in quarantine.",
      quarantine: workflow.quarantine })
      : unread(workflow),
    workflow.measured && h(Measured, { measured: workflow.measured }),
    h(Sources, { sources: workflow.sources }),
    h(Tables, { tables: workflow.tables })));
}

// Airflow's page takes the component from here.
globalThis.AirflowPlugin = WorkflowTab;
globalThis.Workflow = WorkflowTab;
