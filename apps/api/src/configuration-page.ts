import { VARIABLES } from "./config.ts";

/** Renders `docs/configuration.md` from the table that the environment is parsed with. */
export function renderConfigurationPage(): string {
  const rows = Object.values(VARIABLES).map(
    ({ name, fallback, about }) =>
      `| \`${name}\` | ${fallback === undefined ? "" : `\`${fallback}\``} | ${about} |`,
  );
  return [
    "# Configuration of the API",
    "",
    "The API reads its environment once, at start, and refuses to start while a variable is not valid: the message",
    "names every bad one. An empty variable counts as absent. Durations are in seconds.",
    "",
    "This page is rendered from `apps/api/src/config.ts`; a test fails when it is out of date.",
    "",
    "| variable | default | what it does |",
    "|---|---|---|",
    ...rows,
    "",
  ].join("\n");
}
