import { appendFileSync } from "node:fs";
import { join } from "node:path";

process.on("message", () => {
  appendFileSync(
    join(process.env["BENCH_FOLDER"] ?? ".", "bare-stamps"),
    `${process.hrtime.bigint()}\n`,
  );
});
process.once("disconnect", () => process.exit());
process.send?.("ready");
