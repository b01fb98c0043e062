import { stripVTControlCharacters } from "node:util";

/** Lays rows out in columns as wide as their widest cell. Cells may carry colours. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...lines.map((line) => width(line[column]))));
  return lines
    .map((line) =>
      line
        .map((cell, column) => pad(cell, widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function pad(cell: string, columnWidth: number): string {
  return cell + " ".repeat(columnWidth - width(cell));
}

function width(cell = ""): number {
  return stripVTControlCharacters(cell).length;
}
