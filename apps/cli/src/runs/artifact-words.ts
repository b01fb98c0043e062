import type { ArtifactContent, ArtifactDetail } from "@downbeat/contract";
import type { Output } from "../output.ts";
import { table } from "../table.ts";
import { clockWords } from "../time-words.ts";
import { showControls } from "./log-words.ts";

type Of<T extends ArtifactContent["type"]> = Extract<ArtifactContent, { type: T }>;

const BAR_WIDTH = 30;

/** An opened artifact for people. Control characters are shown, not obeyed: an artifact must not drive the terminal. */
export function artifactWords(colors: Output["colors"], detail: ArtifactDetail): string {
  const { key, title, at, content } = detail;
  const name = colors.bold(showControls(title ?? key));
  const about = colors.dim(
    `${title === undefined ? "" : `${showControls(key)}, `}${content.type}, ${clockWords(at)}`,
  );
  return `${name}  ${about}\n${contentWords(content)}`;
}

function contentWords(content: ArtifactContent): string {
  switch (content.type) {
    case "markdown":
      return showControls(content.text);
    case "table":
      return tableWords(content);
    case "link":
      return showControls(
        content.text === undefined ? content.url : `${content.text}: ${content.url}`,
      );
    case "image":
      return imageWords(content);
    case "progress":
      return progressWords(content);
  }
}

function tableWords({ columns, rows }: Of<"table">): string {
  if (rows.length === 0) return "(no rows)";
  const cell = (value: Of<"table">["rows"][number][number]): string =>
    value === null ? "" : showControls(String(value)).replaceAll("\n", "\\n");
  return table(
    columns.map(cell),
    rows.map((row) => row.map(cell)),
  );
}

function imageWords({ mediaType, data, alt }: Of<"image">): string {
  const bytes = Buffer.byteLength(data, "base64");
  return `${mediaType}, ${bytes} bytes${alt === undefined ? "" : `: ${showControls(alt)}`}`;
}

function progressWords({ done, total, label }: Of<"progress">): string {
  const words = label === undefined ? "" : `  ${showControls(label)}`;
  if (total === null) return `${done}${words}`;
  const share = total === 0 ? 1 : Math.min(1, done / total);
  const filled = Math.floor(share * BAR_WIDTH);
  const bar = `${"█".repeat(filled)}${"░".repeat(BAR_WIDTH - filled)}`;
  return `${bar} ${Math.floor(share * 100)} %  ${done} of ${total}${words}`;
}
