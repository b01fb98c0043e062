import { isTerminal, type RunDetail } from "@downbeat/contract";
import { Link } from "@tanstack/react-router";
import { paths } from "../paths.ts";
import { runCan } from "../state/state-look.ts";
import { Duration } from "../ui/duration.tsx";
import { shortId } from "../ui/short-id.ts";
import { StateBadge } from "../ui/state-badge.tsx";
import { Time } from "../ui/time.tsx";
import { CancelButton } from "./cancel-button.tsx";

export function RunHeader({ run }: { run: RunDetail }) {
  return (
    <header className="run-header">
      <nav aria-label="Breadcrumb" className="breadcrumb">
        <Link to={paths.runs}>Runs</Link> /{" "}
        <Link to={paths.runs} search={{ flow: run.flowName }}>
          {run.flowName}
        </Link>{" "}
        / <code title={run.id}>{shortId(run.id)}</code>
      </nav>
      <div className="run-header__line">
        <h1>{run.flowName}</h1>
        {/* Announced when it changes: the only live region of the page. */}
        <span aria-live="polite" className="run-header__state">
          <StateBadge state={run.state} />
        </span>
        <span className="quiet">
          {isTerminal(run.state.type) ? "" : "since "}
          <Time at={run.state.at} />
        </span>
        {run.startedAt !== null && <Duration from={run.startedAt} to={run.endedAt} />}
        {run.epoch > 1 && <span className="quiet">attempt {run.epoch}</span>}
        <span className="top-bar__space" />
        {runCan.cancel(run.state.type) && <CancelButton run={run} />}
      </div>
      {run.why !== null && <p className="run-header__why">{run.why}</p>}
    </header>
  );
}
