import { stripVTControlCharacters } from "node:util";

/**
 * Lays rows out in columns as wide as their widest cell. Cells may carry colours.
 *
 * @param toTheRight the columns whose cells end under one another, as numbers do; by default none
 */
export function table(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  { toTheRight = [] }: { readonly toTheRight?: readonly number[] } = {},
): string {
  const lines = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...lines.map((line) => width(line[column]))));
  return lines
    .map((line) =>
      line
        .map((cell, column) => {
          const gap = gapOf(cell, widths[column] ?? 0);
          return toTheRight.includes(column) ? gap + cell : cell + gap;
        })
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function gapOf(cell: string, columnWidth: number): string {
  return " ".repeat(columnWidth - width(cell));
}

function width(cell = ""): number {
  return stripVTControlCharacters(cell).length;
}
