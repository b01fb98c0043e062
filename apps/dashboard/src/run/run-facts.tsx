import { type Actor, isTerminal, type Run } from "@downbeat/contract";
import type { ReactNode } from "react";
import { Time } from "../ui/time.tsx";
import { actorWords } from "./actor-words.ts";

export function RunFacts({ run }: { run: Run }) {
  return (
    <section className="panel" aria-label="Facts">
      <dl className="facts">
        <Fact name="Run">
          <code className="facts__id">{run.id}</code>
        </Fact>
        <Fact name="Deployment">{run.deploymentName ?? "none: started as a plain script"}</Fact>
        {run.poolName !== null && <Fact name="Pool">{run.poolName}</Fact>}
        <Fact name="Agent">
          {run.agentName ?? (isTerminal(run.state.type) ? "none" : "none yet")}
        </Fact>
        <Fact name="Created">
          <Time at={run.createdAt} /> by <CreatedBy actor={run.createdBy} />
        </Fact>
        <Fact name="Due">
          <Time at={run.scheduledFor} />
        </Fact>
        {run.startedAt !== null && (
          <Fact name="Started">
            <Time at={run.startedAt} />
          </Fact>
        )}
        {run.endedAt !== null && (
          <Fact name="Ended">
            <Time at={run.endedAt} />
          </Fact>
        )}
        {run.tags.length > 0 && (
          <Fact name="Tags">
            <Tags tags={run.tags} />
          </Fact>
        )}
      </dl>
    </section>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}

/** Each apart: tags may hold commas, and text that runs from right to left. */
function Tags({ tags }: { tags: readonly string[] }) {
  return (
    <ul className="tags">
      {tags.map((tag, at) => (
        <li key={at} className="tag">
          <bdi>{tag}</bdi>
        </li>
      ))}
    </ul>
  );
}

function CreatedBy({ actor }: { actor: Actor }) {
  return <span title={actor.id ?? undefined}>{actorWords(actor)}</span>;
}
