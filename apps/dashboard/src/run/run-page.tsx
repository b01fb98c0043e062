import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { Fragment } from "react";
import { useCaller } from "../api/caller-context.ts";
import { runQuery } from "../api/queries.ts";
import { ArtifactsSection } from "../artifacts/artifacts-section.tsx";
import { MetricsSection } from "../artifacts/metrics-section.tsx";
import { LogSection } from "../log/log-section.tsx";
import { paths } from "../paths.ts";
import { lookOf } from "../state/state-look.ts";
import { ErrorNotice } from "../ui/error-notice.tsx";
import { useTitle } from "../ui/use-title.ts";
import { RunErrorPanel } from "./run-error-panel.tsx";
import { RunFacts } from "./run-facts.tsx";
import { RunHeader } from "./run-header.tsx";
import { RunParameters } from "./run-parameters.tsx";
import { StateHistory } from "./state-history.tsx";
import { TaskRunsSection } from "./task-runs-section.tsx";

const route = getRouteApi(paths.run);

/** One run: what state and why, what went wrong, then what it did. */
export function RunPage() {
  const { runId } = route.useParams();
  const caller = useCaller();
  const { data: run, error, refetch } = useQuery(runQuery(caller, runId));
  useTitle(run === undefined ? "Run" : `${lookOf(run.state).glyph} ${run.flowName}`);

  if (run === undefined) {
    if (error === null) return <p className="quiet">Reading the run…</p>;
    return (
      <>
        <ErrorNotice
          what="The run could not be read"
          error={error}
          onRetry={() => void refetch()}
        />
        <Link to={paths.runs}>All runs</Link>
      </>
    );
  }
  return (
    // Whoever goes from run to run through the history finds each as it is, and asks nothing of one what was asked of another.
    <Fragment key={run.id}>
      <RunHeader run={run} />
      {error !== null && (
        <ErrorNotice
          what="What you see may be old: the run could not be read again"
          error={error}
          onRetry={() => void refetch()}
        />
      )}
      {run.error !== null && <RunErrorPanel run={run} error={run.error} />}
      <div className="run">
        <div className="run__main">
          <ArtifactsSection run={run} />
          <TaskRunsSection run={run} />
          <LogSection run={run} />
        </div>
        <div className="run__side">
          <RunFacts run={run} />
          <MetricsSection run={run} />
          <RunParameters run={run} />
          <StateHistory run={run} />
        </div>
      </div>
    </Fragment>
  );
}
