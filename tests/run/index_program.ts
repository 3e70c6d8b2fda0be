/** One of many processes that write runs into a folder, and index it, at the same time. */
import process from "node:process";
import { withRunIndex } from "../../lib/run/index.ts";
import { runId, writeRun } from "./runs_fixture.ts";

const [root, number, rounds] = process.argv.slice(2);
const notices: string[] = [];
let missing = 0;
for (let i = 0; i < Number(rounds); i++) {
  for (let j = 0; j <= i; j++) writeRun(root, Number(number) * 100 + i, { marks: "10x" });
  const ids = await withRunIndex(
    root,
    async (index) => new Set((await index.list()).map(({ run_id }) => run_id)),
    (line) => notices.push(line),
  );
  for (let j = 0; j <= i; j++) if (!ids.has(runId(Number(number) * 100 + j))) missing++;
}
process.stdout.write(JSON.stringify({ missing, notices }));
