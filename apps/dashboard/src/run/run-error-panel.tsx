import { ErrorDetail, type Run, type RunError } from "@downbeat/contract";
import { SealedValue } from "../sealed/sealed-value.tsx";
import { CodeBlock } from "../ui/code-block.tsx";

/** What went wrong, above everything else. The class is in clear; message, stack and causes are opened here. */
export function RunErrorPanel({ run, error }: { run: Run; error: RunError }) {
  const context = { kind: "error", run: run.id, epoch: run.epoch } as const;
  return (
    <section className="error-panel" aria-label="Error">
      <h2 className="error-panel__class">
        <code>{error.class}</code>
        <ExitNote error={error} />
      </h2>
      {error.detail !== null && (
        <SealedValue
          label="error message"
          blob={error.detail}
          context={context}
          schema={ErrorDetail}
        >
          {(detail) => <ErrorStory detail={detail} />}
        </SealedValue>
      )}
    </section>
  );
}

export function ExitNote({ error }: { error: RunError }) {
  if (error.signal !== null) return <span className="quiet"> killed by {error.signal}</span>;
  if (error.exitCode !== null) return <span className="quiet"> exit code {error.exitCode}</span>;
  return null;
}

function ErrorStory({ detail }: { detail: ErrorDetail }) {
  return (
    <>
      <p className="error-panel__message">{detail.message}</p>
      {detail.stack !== undefined && (
        <details>
          <summary>Stack</summary>
          <CodeBlock text={detail.stack} />
        </details>
      )}
      {detail.cause !== undefined && (
        <div className="error-panel__cause">
          <h3>
            caused by <code>{detail.cause.class}</code>
          </h3>
          <ErrorStory detail={detail.cause} />
        </div>
      )}
    </>
  );
}
