import { Command } from "commander";
import { ArtifactDetail, type Artifact, type Metric } from "@downbeat/contract";
import { action, type CliContext } from "../context.ts";
import type { Output } from "../output.ts";
import { artifactWords } from "../runs/artifact-words.ts";
import { findRunId } from "../runs/find-run.ts";
import { tryOpen, type Opened } from "../runs/run-error.ts";
import { table } from "../table.ts";

type OpenedArtifact = Artifact & { readonly opened: Opened<ArtifactDetail> };
type Shown = { readonly metrics: readonly Metric[]; readonly artifacts: readonly OpenedArtifact[] };

export function runsArtifactsCommand(): Command {
  return new Command("artifacts")
    .argument("<run>", "run id, a unique beginning of one, or @last")
    .description(
      "show what a run shows: its public numbers, and its artifacts, opened on this machine",
    )
    .action(action(showArtifacts))
    .addHelpText(
      "after",
      `
Each artifact in its newest version. Of an image type and size are shown; with --json its bytes are there, as base64.

With --json: { metrics, artifacts }, as GET /v1/runs/:runId/metrics and /artifacts list them; each artifact has "opened",
which is { "value": { key, title?, at, taskRunId?, content } } or { "sealed": "why it stayed closed" }.`,
    );
}

async function showArtifacts(context: CliContext, _options: object, given: string): Promise<void> {
  const { client } = await context.connect();
  const runId = await findRunId(client, given);
  const [metrics, artifacts] = await Promise.all([
    allOf((query) => client.call("listMetrics", { params: { runId }, query })),
    allOf((query) => client.call("listArtifacts", { params: { runId }, query })),
  ]);
  const shown = { metrics, artifacts: await Promise.all(artifacts.map((it) => open(context, it))) };
  if (metrics.length + artifacts.length === 0)
    context.output.note("The run shows nothing: no artifact, no metric.");
  context.output.result(shown, (colors) => shownWords(colors, shown));
}

type Page<T> = { readonly items: readonly T[]; readonly nextCursor: string | null };

async function allOf<T>(read: (query: { limit: number; cursor?: string }) => Promise<Page<T>>) {
  const items: T[] = [];
  for (let cursor: string | null | undefined; cursor !== null;) {
    const page = await read({ limit: 200, ...(cursor !== undefined && { cursor }) });
    items.push(...page.items);
    cursor = page.nextCursor;
  }
  return items;
}

async function open(context: CliContext, artifact: Artifact): Promise<OpenedArtifact> {
  const { runId: run, epoch, sequence: seq, detail } = artifact;
  const opened = await tryOpen(async () => {
    const { opener } = await context.unlock();
    return ArtifactDetail.parse(await opener.open(detail, { kind: "artifact", run, epoch, seq }));
  });
  return { ...artifact, opened };
}

function shownWords(colors: Output["colors"], { metrics, artifacts }: Shown): string {
  const rows = metrics.map(({ name, value }) => [name, String(value)]);
  return [
    ...(rows.length === 0 ? [] : [table(["METRIC", "VALUE"], rows)]),
    ...artifacts.map(({ opened }) =>
      "value" in opened
        ? artifactWords(colors, opened.value)
        : `${colors.bold("artifact")}  sealed (${opened.sealed})`,
    ),
  ].join("\n\n");
}
