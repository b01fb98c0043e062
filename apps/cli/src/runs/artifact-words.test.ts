import type { ArtifactContent, ArtifactDetail } from "@downbeat/contract";
import pc from "picocolors";
import { expect, it } from "vitest";
import { artifactWords } from "./artifact-words.ts";

const colors = pc.createColors(false);

function words(content: ArtifactContent, over: Partial<ArtifactDetail> = {}): string[] {
  const detail = { key: "k", at: "2026-03-01T12:00:00Z", content, ...over };
  return artifactWords(colors, detail).split("\n");
}

it.each<[string, ArtifactContent, string[]]>([
  ["markdown", { type: "markdown", text: "# Hi\n*you*" }, ["# Hi", "*you*"]],
  [
    "a table",
    {
      type: "table",
      columns: ["day", "mm"],
      rows: [
        ["Mon\nday", 1.5],
        [null, true],
      ],
    },
    ["day       mm", "Mon\\nday  1.5", "          true"],
  ],
  ["an empty table", { type: "table", columns: [], rows: [] }, ["(no rows)"]],
  ["a link", { type: "link", url: "https://x.test/" }, ["https://x.test/"]],
  ["a named link", { type: "link", url: "https://x.test/", text: "X" }, ["X: https://x.test/"]],
  [
    "an image",
    { type: "image", mediaType: "image/png", data: "AAAA", alt: "plot" },
    ["image/png, 3 bytes: plot"],
  ],
  [
    "progress",
    { type: "progress", done: 1, total: 3, label: "b.csv" },
    [`${"█".repeat(10)}${"░".repeat(20)} 33 %  1 of 3  b.csv`],
  ],
  [
    "progress past its end",
    { type: "progress", done: 4, total: 3 },
    [`${"█".repeat(30)} 100 %  4 of 3`],
  ],
  ["progress to nowhere", { type: "progress", done: 7, total: null }, ["7"]],
])("says %s", (_, content, expected) => {
  expect(words(content).slice(1)).toEqual(expected);
});

it("names it by title and key, and lets nothing in it drive the terminal", () => {
  const [head, text] = words(
    { type: "markdown", text: "\u001b[2J" },
    { key: "sum\u0007", title: "Sum\u001b[1m" },
  );
  expect(head).toMatch(/^Sum\\x1b\[1m {2}sum\\x07, markdown, \d\d:\d\d:\d\d\.000$/);
  expect(text).toBe("\\x1b[2J");
});
