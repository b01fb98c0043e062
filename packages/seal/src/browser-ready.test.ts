import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";

/** Every module the entry reaches by relative imports, with what else it imports. */
async function importsFrom(
  url: URL,
  seen = new Map<string, string[]>(),
): Promise<Map<string, string[]>> {
  if (seen.has(url.href)) return seen;
  const source = await readFile(url, "utf8");
  const specifiers = [...source.matchAll(/(?:from|import) "([^"]+)"/g)].map(
    ([, name]) => name ?? "",
  );
  seen.set(
    url.href,
    specifiers.filter((name) => !name.startsWith(".")),
  );
  for (const name of specifiers.filter((name) => name.startsWith("."))) {
    await importsFrom(new URL(name, url), seen);
  }
  return seen;
}

test("the main entry imports nothing that a browser lacks", async () => {
  const imports = await importsFrom(new URL("./index.ts", import.meta.url));
  expect(imports.size).toBeGreaterThan(8);
  expect([...new Set([...imports.values()].flat())].toSorted()).toEqual([
    "@downbeat/contract",
    "jose",
  ]);
});

test("what comes from the contract is types alone, so no schema is bundled", async () => {
  const imports = await importsFrom(new URL("./index.ts", import.meta.url));
  for (const url of imports.keys()) {
    const source = await readFile(new URL(url), "utf8");
    expect(source).not.toMatch(/import \{[^}]*\} from "@downbeat\/contract"/);
    expect(source).not.toMatch(/\b(?:Buffer|process)\b/);
  }
});
