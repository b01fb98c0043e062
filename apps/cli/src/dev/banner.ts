import type { Output } from "../output.ts";
import { shortPath } from "../short-path.ts";

type Colors = Output["colors"];

export type Places = {
  readonly pageUrl: string;
  readonly apiUrl: string;
  readonly home: string;
  readonly runId: string | undefined;
  readonly resultPath: string | undefined;
  /** How this command was called. */
  readonly command: string;
};

/** Where to look next. */
export function placesWords(colors: Colors, places: Places): string {
  const { dim, bold } = colors;
  const { command, apiUrl, home, runId, resultPath } = places;
  const rows = [
    ...(resultPath === undefined ? [] : [["Result", shortPath(resultPath)]]),
    ["Page", places.pageUrl],
    ["", dim("this link carries the API key and the workspace key: it is for this machine only")],
    ["API", `${apiUrl}/docs`],
    ["State", `${shortPath(home)} ${dim("(kept over restarts; delete it to begin anew)")}`],
    ["CLI", runId === undefined ? `${command} runs ls` : `${command} runs view @last`],
    ["", runId === undefined ? `${command} --help` : `${command} runs logs @last`],
    ...(runId === undefined ? [] : [["", `${command} run fails-in-third-task --watch`]]),
  ];
  return rows.map(([name = "", words = ""]) => `  ${bold(name.padEnd(8))}${words}`).join("\n");
}

/** How to call this command from here: its installed name, or the file that was run. */
export function commandWords(entry: string): string {
  return entry.endsWith("downbeat") ? "downbeat" : `node ${shortPath(entry)}`;
}
