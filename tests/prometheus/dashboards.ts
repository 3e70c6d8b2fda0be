/** The queries of the Grafana dashboards that dyno ships. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "@std/path";
import { fileURLToPath } from "node:url";

const FOLDER = fileURLToPath(new URL("../../experiments/grafana/", import.meta.url));

interface Panel {
  id: number;
  type: string;
  title: string;
  gridPos: { h: number; w: number; x: number; y: number };
  datasource?: { type: string; uid: string };
  targets?: { refId: string; expr: string; datasource: { uid: string } }[];
}

export interface Dashboard {
  file: string;
  uid: string;
  title: string;
  schemaVersion: number;
  panels: Panel[];
  templating: { list: { name: string; type: string; query: string | { query: string } }[] };
}

export function dashboards(): Dashboard[] {
  return readdirSync(FOLDER).filter((file) => file.endsWith(".json")).map((file) => ({
    file,
    ...JSON.parse(readFileSync(join(FOLDER, file), "utf8")),
  }));
}

/** Every query of a dashboard, as Grafana sends it with all models chosen. */
export function queriesOf({ panels }: Dashboard): { title: string; query: string }[] {
  return panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({
      title,
      query: expr.replaceAll("$__rate_interval", "15s").replaceAll("$model", ".*"),
    }))
  );
}
