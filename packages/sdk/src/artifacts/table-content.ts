import type { ArtifactContent } from "@downbeat/contract";
import { invalidArtifact, shownValue } from "./show.ts";

type Table = Extract<ArtifactContent, { type: "table" }>;
type Cell = Table["rows"][number][number];

/**
 * Rows of objects as a table. Cells are texts, numbers, booleans or empty; dates, URLs, bigints and plain data become text.
 *
 * @param call the call as it stands in code, for messages
 * @throws DownbeatError `artifact_invalid`, naming row and column
 */
export function tableContent(
  call: string,
  rows: readonly object[],
  columns: readonly string[] | undefined,
): Table {
  if (!Array.isArray(rows))
    throw invalidArtifact(`${call} was given ${shownValue(rows)}; it takes a list of objects`);
  rows.forEach((row: unknown, at) => {
    if (typeof row === "object" && row !== null && !Array.isArray(row)) return;
    throw invalidArtifact(`${call}: row ${at} is ${shownValue(row)}; it takes objects`);
  });
  const names = columns ?? [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const cellsOf = (row: object, at: number) =>
    names.map((name) => cellOf((row as Record<string, unknown>)[name], `${call}: [${at}].${name}`));
  return { type: "table", columns: names.map(String), rows: rows.map(cellsOf) };
}

function cellOf(value: unknown, path: string): Cell {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      return Number.isFinite(value) ? value : String(value);
    case "bigint":
      return String(value);
    case "undefined":
      return null;
    case "object":
      return value === null ? null : objectCell(value, path);
    default:
      throw invalidArtifact(`${path} is ${shownValue(value)}, which a table cannot show`);
  }
}

function objectCell(value: object, path: string): Cell {
  if (value instanceof Date)
    return Number.isNaN(value.getTime()) ? "Invalid Date" : value.toISOString();
  if (value instanceof URL) return value.href;
  let text: string | undefined;
  let reason = "it has no form as JSON";
  try {
    text = JSON.stringify(value);
  } catch (error) {
    reason = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
  }
  if (text !== undefined) return text;
  throw invalidArtifact(`${path} is ${shownValue(value)}, which a table cannot show: ${reason}`);
}
