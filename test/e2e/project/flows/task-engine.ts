import { threadId } from "node:worker_threads";
import { flow, log, task, threads } from "@downbeat/sdk";

const load = task({ name: "load", renderName: "load {part}" }, async (part: string) => [part]);
const merge = task({ name: "merge" }, (parts: string[][]) => parts.flat().join("+"));
const broken = task({ name: "broken" }, async (): Promise<string[]> => {
  throw new Error("broken on purpose");
});
const tidy = task({ name: "tidy" }, async () => log.info("tidied up"));
const count = task({ name: "count" }, async (n: number) => n + 1);

export const engine = flow({ name: "engine", concurrency: 2 }, async () => {
  const merged = merge.submit([load.submit("secret-a"), load.submit("secret-b")]);
  log.info(`merged ${await merged}`);
  const failed = merge.submit([broken.submit()]);
  await tidy.with({ after: [failed], runWhen: "all-done" })();
  await count.map([1, 2, 3, 4, 5]);
});

export const inThread = task(
  { name: "in-thread", runner: threads(import.meta.url, "inThread") },
  async (word: string) => {
    log.info(`${word} from thread ${threadId > 0}`);
    return threadId;
  },
);

export const threaded = flow({ name: "threaded" }, async () => {
  const ids = await inThread.map(["one", "two"]);
  if (ids.includes(0)) throw new Error("it ran in the main thread");
});
