import { describe, expect, it } from "vitest";
import { strayText } from "./published-text.ts";
import { publishedFiles } from "./source-files.ts";

// Put together here, so that this file passes the rules it tests.
const slash = "/";
const offences: readonly [text: string, why: RegExp][] = [
  [`cd ${slash}root/project`, /a path of one machine/],
  [`const dir = "${slash}home/someone";`, /a path of one machine/],
  [`const dir = "${slash}tmp/test-data";`, /temporary directory/],
  [`// ${"TO"}DO: later`, /unfinished/],
  [`${"tar"}ball: http://registry.internal/a.tgz`, /another registry/],
  [`${"<".repeat(7)} HEAD`, /merge conflict/],
];

describe("published files", () => {
  it("speak only of the project", async () => {
    const files = await publishedFiles();
    expect(files.map((file) => file.path)).toContain("package.json");
    expect(strayText(files)).toEqual([]);
  });

  it.each(offences)("would be caught saying %s", (text, why) => {
    expect(strayText([{ path: "docs/a.md", text: `fine\n${text}\n` }])).toEqual([
      expect.stringMatching(why),
    ]);
    expect(strayText([{ path: "docs/a.md", text: `fine\n${text}\n` }])[0]).toMatch(
      /^docs\/a.md:2: /,
    );
  });

  it("may name relative paths and routes", () => {
    const text = "see ./work/a, https://example.com/home/a, apps/home/a and /v1/runs";
    expect(strayText([{ path: "docs/a.md", text }])).toEqual([]);
  });
});
