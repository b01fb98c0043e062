// Makes runs one after the other and prints each id once it is committed, until killed. Plain JavaScript on the built
// package, so that any Node can run it.
import { createRuns, openDatabase } from "@downbeat/db";

const [dataDir, workspaceId = ""] = process.argv.slice(2);
const database = await openDatabase({ dataDir });
const run = {
  flowName: "etl",
  deploymentName: "default",
  parameters: null,
  scheduledFor: null,
  tags: [],
  idempotencyKey: null,
  requestHash: "",
  createdBy: { kind: "api-key", id: null },
};
for (;;) {
  const [answer] = await database.inWorkspace({ workspaceId }, (tx) => createRuns(tx, [run]));
  if (answer?.status === "created") process.stdout.write(`${answer.runId}\n`);
}
