import { type Artifact, ArtifactDetail, type Run } from "@downbeat/contract";
import { useQuery } from "@tanstack/react-query";
import { artifactsQuery } from "../api/queries.ts";
import { useCaller } from "../api/caller-context.ts";
import { SealedValue } from "../sealed/sealed-value.tsx";
import { ErrorNotice } from "../ui/error-notice.tsx";
import { ArtifactView } from "./artifact-view.tsx";

/** What the run shows, opened here. Nothing at all for a run that shows nothing. */
export function ArtifactsSection({ run }: { run: Run }) {
  const { data: artifacts = [], error, refetch } = useQuery(artifactsQuery(useCaller(), run));
  if (artifacts.length === 0 && error === null) return null;
  return (
    <section className="panel" aria-label="Artifacts">
      <h2>
        Artifacts {artifacts.length > 0 && <span className="quiet number">{artifacts.length}</span>}
      </h2>
      {error !== null && artifacts.length === 0 && (
        <ErrorNotice
          what="The artifacts could not be read"
          error={error}
          onRetry={() => void refetch()}
        />
      )}
      {artifacts.map((artifact) => (
        <ArtifactItem key={artifact.keyTag} artifact={artifact} />
      ))}
    </section>
  );
}

function ArtifactItem({ artifact }: { artifact: Artifact }) {
  const { runId: run, epoch, sequence: seq, detail } = artifact;
  return (
    <article className="artifact">
      <SealedValue
        label="artifact"
        blob={detail}
        context={{ kind: "artifact", run, epoch, seq }}
        schema={ArtifactDetail}
        steady
      >
        {(opened) => <ArtifactView detail={opened} />}
      </SealedValue>
    </article>
  );
}
