// Colour and cursor codes that programs write to terminals (ECMA-48 CSI and OSC sequences).
// oxlint-disable-next-line no-control-regex -- the control characters are what is looked for
const TERMINAL_CODES = /\u001B(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001B]*(?:\u0007|\u001B\\))/g;

/** Log text without terminal codes, and of a line that was overwritten by `\r` only what stood last (progress bars). */
export function cleanLogText(text: string): string {
  return text.replaceAll(TERMINAL_CODES, "").split("\n").map(lastOverwrite).join("\n");
}

function lastOverwrite(line: string): string {
  const trimmed = line.replace(/\r+$/, "");
  return trimmed.slice(trimmed.lastIndexOf("\r") + 1);
}

/** What fits a row of fixed height: the first line, and how many more there are. */
export function oneLine(text: string): { readonly first: string; readonly moreLines: number } {
  const lines = cleanLogText(text).split("\n");
  return { first: lines[0] ?? "", moreLines: lines.length - 1 };
}
