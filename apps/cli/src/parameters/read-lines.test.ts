import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readLines } from "./read-lines.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "downbeat-lines-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function linesOf(text: string): Promise<string[]> {
  const file = join(folder, "lines");
  await writeFile(file, text);
  const lines: string[] = [];
  for await (const some of readLines(`@${file}`))
    lines.push(...some.map(({ number, text: line }) => `${number} ${line}`));
  return lines;
}

it("numbers lines as an editor does, and leaves empty ones out", async () => {
  expect(await linesOf('{"a":1}\r\n\n  \n{"b":"\u2028"}')).toEqual([
    '1 {"a":1}\r',
    '4 {"b":"\u2028"}',
  ]);
  expect(await linesOf("")).toEqual([]);
});

it("reads characters that are cut between two reads", async () => {
  const line = `"${"€".repeat(50_000)}"`;
  expect(await linesOf(`${line}\n${line}\n`)).toEqual([`1 ${line}`, `2 ${line}`]);
});

it("says what cannot be read", async () => {
  await expect(readLines("lines.ndjson").next()).rejects.toThrow(/neither @file nor -/);
  await expect(readLines("@/nowhere/lines").next()).rejects.toThrow(
    /@\/nowhere\/lines cannot be read/,
  );
});
