import type { LogLevel } from "./log-rows.ts";

export const LOG_LEVEL_CHOICES: readonly { readonly level: LogLevel; readonly words: string }[] = [
  { level: "debug", words: "All levels" },
  { level: "info", words: "Info and above" },
  { level: "warn", words: "Warnings and errors" },
  { level: "error", words: "Errors" },
];
