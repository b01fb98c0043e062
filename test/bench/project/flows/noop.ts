import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { flow } from "@downbeat/sdk";

/** Does nothing: what remains is the price of running it. */
export const noop = flow({ name: "noop" }, async () => {});

/** Notes when its first line ran, on the clock that all processes of a machine share. */
export const stamp = flow({ name: "stamp" }, async () => {
  appendFileSync(
    join(process.env["BENCH_FOLDER"] ?? ".", "stamps"),
    `${process.hrtime.bigint()}\n`,
  );
});
