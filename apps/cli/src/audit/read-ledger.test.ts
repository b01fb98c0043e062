import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readLedger } from "./read-ledger.ts";
import { sumUpLedger } from "./sum-up-ledger.ts";

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

function entry(previous: string | null, count: number): string {
  const fields = [{ path: "body.items[].chunk", boundary: "sealed", count, bytes: 10 * count }];
  const about = { at: "2026-01-05T09:00:00.000Z", route: "report", method: "POST" };
  const sent = { path: "/v1/agent/report", bytes: 100, sha256: sha256(""), fields, previous };
  return JSON.stringify({ ...about, ...sent });
}

function chain(...counts: number[]): string[] {
  const lines: string[] = [];
  for (const count of counts)
    lines.push(entry(lines.length === 0 ? null : sha256(lines.at(-1) ?? ""), count));
  return lines;
}

/** Writes lines as an agent's ledger, two a file. */
function aLedger(lines: readonly string[], name = "here"): string {
  const agents = mkdtempSync(join(tmpdir(), "downbeat-agents-"));
  const directory = join(agents, name, "egress");
  mkdirSync(directory, { recursive: true });
  for (let at = 0; at < lines.length; at += 2) {
    const file = `egress-${String(at / 2 + 1).padStart(8, "0")}.jsonl`;
    writeFileSync(join(directory, file), `${lines.slice(at, at + 2).join("\n")}\n`);
  }
  return agents;
}

test("a ledger is read in order and its chain holds, also when its beginning is gone", async () => {
  const whole = await readLedger(aLedger(chain(1, 2, 3, 4, 5)), undefined);
  expect(whole.breaks).toEqual([]);
  expect(sumUpLedger(whole.entries)).toEqual([
    {
      route: "POST /v1/agent/report",
      path: "body.items[].chunk",
      boundary: "sealed",
      count: 15,
      bytes: 150,
      lastSentAt: "2026-01-05T09:00:00.000Z",
    },
  ]);
  expect((await readLedger(aLedger(chain(1, 2, 3, 4).slice(2)), "here")).breaks).toEqual([]);
});

test("a line that was taken out, changed or cut short is named", async () => {
  const lines = chain(1, 2, 3, 4);
  const without = await readLedger(aLedger(lines.toSpliced(1, 1)), undefined);
  expect(without.breaks).toEqual(["egress-00000001.jsonl:2 does not follow the line before it"]);
  const changed = await readLedger(
    aLedger(lines.with(1, entry(sha256(lines[0] ?? ""), 9))),
    undefined,
  );
  expect(changed.breaks).toEqual(["egress-00000002.jsonl:1 does not follow the line before it"]);
  const cut = await readLedger(aLedger(lines.with(3, (lines[3] ?? "").slice(0, 40))), undefined);
  expect(cut.breaks).toEqual(["egress-00000002.jsonl:2 is not an entry"]);
});

test("without a ledger, and with several agents, it says so", async () => {
  await expect(readLedger("/nowhere", undefined)).rejects.toMatchObject({ code: "not_found" });
  await expect(readLedger(aLedger(chain(1)), "other")).rejects.toMatchObject({ code: "not_found" });
  const agents = aLedger(chain(1), "one");
  mkdirSync(join(agents, "two"));
  await expect(readLedger(agents, undefined)).rejects.toThrow(/one, two/);
});
