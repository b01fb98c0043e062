import type { LogLine } from "@downbeat/contract";
import type { Output } from "../output.ts";
import { clockWords } from "../time-words.ts";

type Colors = Output["colors"];

const LEVEL_COLORS = { debug: "gray", info: "cyan", warn: "yellow", error: "red" } as const;

/** One opened log line for people. Control characters are shown, not obeyed: a log must not drive the terminal. */
export function logLineWords(colors: Colors, line: LogLine): string {
  const level = colors[LEVEL_COLORS[line.level]](line.level.padEnd(5));
  const fields = line.fields === undefined ? "" : ` ${colors.dim(JSON.stringify(line.fields))}`;
  return `${colors.dim(clockWords(line.at))}  ${level} ${colors.dim(`${line.logger}:`)} ${showControls(line.text)}${fields}`;
}

export function showControls(text: string): string {
  // eslint-disable-next-line no-control-regex -- these are exactly what is looked for
  return text.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
}
