import { appendFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { directoryStorage } from "../storage/directory-storage.ts";
import { task } from "../task.ts";

// Says that it is ready, calls a cached task when told to, and says what it got.
const [, , cache = "", calls = "", dies = ""] = process.argv;

const report = task(
  { name: "report", cache: { storage: directoryStorage(cache), leaseMs: 2_000 } },
  async (day: unknown) => {
    appendFileSync(calls, `${process.pid}\n`);
    if (dies !== "") process.kill(process.pid, "SIGKILL");
    await pause(300);
    return { day, by: process.pid };
  },
);

process.once("message", (day) => {
  void report(day).then((answer) => process.send?.(answer, () => process.disconnect()));
});
process.send?.("ready");
