import { placeOfParameters, type RunDetail } from "@downbeat/contract";
import { z } from "zod";
import { SealedValue } from "../sealed/sealed-value.tsx";
import { CodeBlock } from "../ui/code-block.tsx";

const Parameters = z.unknown();

export function RunParameters({ run }: { run: RunDetail }) {
  // What the caller bound them to: a deployment, or the flow alone when a plain script ran it.
  const dep = run.deploymentName === null ? run.flowName : `${run.flowName}/${run.deploymentName}`;
  return (
    <section className="panel" aria-label="Parameters">
      <h2>Parameters</h2>
      {run.hostTransit && (
        <p className="notice notice--warn">
          Sent in clear, sealed by the hosted plane (host-transit).
        </p>
      )}
      {run.parameters === null ? (
        <p className="quiet">
          {run.deploymentName === null
            ? "None were given."
            : "None were given; the deployment’s defaults apply."}
        </p>
      ) : (
        <SealedValue
          label="parameters"
          blob={run.parameters}
          context={placeOfParameters(run.parameters, { dep, run: run.id })}
          schema={Parameters}
        >
          {(parameters) => <CodeBlock text={JSON.stringify(parameters, null, 2)} />}
        </SealedValue>
      )}
    </section>
  );
}
