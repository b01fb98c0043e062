import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { readParameters } from "./read-parameters.ts";

it("reads a file that begins with a byte order mark, as --each does", async () => {
  const file = join(mkdtempSync(join(tmpdir(), "downbeat-params-")), "params.json");
  writeFileSync(file, '\uFEFF{"year": 2014}\r\n');
  expect(await readParameters({ params: `@${file}` }, null)).toEqual({ year: 2014 });
});
