import type { Run } from "@downbeat/contract";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { countWords } from "../format/count.ts";
import { paths } from "../paths.ts";
import { Duration } from "../ui/duration.tsx";
import { shortId } from "../ui/short-id.ts";
import { StateBadge } from "../ui/state-badge.tsx";
import { Time } from "../ui/time.tsx";
import { heldRows } from "./held-rows.ts";

export function RunsTable({ runs }: { runs: readonly Run[] }) {
  const [held, setHeld] = useState<readonly Run[]>();
  const { rows, waitingCount } = heldRows(held ?? runs, runs);
  return (
    <div onPointerEnter={() => setHeld(runs)} onPointerLeave={() => setHeld(undefined)}>
      {waitingCount > 0 && (
        <button type="button" className="button waiting-rows" onClick={() => setHeld(runs)}>
          ↑ {countWords(waitingCount)} new {waitingCount === 1 ? "run" : "runs"}
        </button>
      )}
      <table className="table runs">
        <thead>
          <tr>
            <th scope="col">State</th>
            <th scope="col">Flow</th>
            <th scope="col">Deployment</th>
            <th scope="col">Started</th>
            <th scope="col">Duration</th>
            <th scope="col">Agent</th>
            <th scope="col">Run</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((run) => (
            <RunRow key={run.id} run={run} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function RunRow({ run }: { run: Run }) {
  return (
    <tr>
      <td>
        <StateBadge state={run.state} />
      </td>
      <td>
        <Link
          to={paths.run}
          params={{ runId: run.id }}
          className="row-link"
          aria-label={`Run ${shortId(run.id)} of ${run.flowName}`}
        >
          {run.flowName}
        </Link>
        {run.error !== null && <code className="runs__error">{run.error.class}</code>}
      </td>
      <td className={run.deploymentName === null ? "quiet" : ""}>
        {run.deploymentName ?? "standalone"}
      </td>
      <td>
        <Started run={run} />
      </td>
      <td>
        <Duration from={run.startedAt} to={run.endedAt} />
      </td>
      <td>{run.agentName ?? <span className="quiet">–</span>}</td>
      <td>
        <code className="quiet" title={run.id}>
          {shortId(run.id)}
        </code>
      </td>
    </tr>
  );
}

function Started({ run }: { run: Run }) {
  if (run.startedAt !== null) return <Time at={run.startedAt} />;
  return (
    <span className="quiet">
      due <Time at={run.scheduledFor} />
    </span>
  );
}
