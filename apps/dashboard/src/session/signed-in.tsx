import { isDownbeatError } from "@downbeat/contract";
import { QueryCache, QueryClient, QueryClientProvider, useQuery } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { useEffect, useMemo } from "react";
import { CallerContext, useCaller } from "../api/caller-context.ts";
import { createPageCaller } from "../api/page-caller.ts";
import { principalQuery } from "../api/queries.ts";
import { readAhead } from "../api/read-ahead.ts";
import { retryDelayMs, shouldRetry } from "../api/retry.ts";
import { KeyProvider } from "../key/key-context.tsx";
import { router } from "../router.tsx";
import { ErrorNotice } from "../ui/error-notice.tsx";
import { wordsOf } from "../ui/words-of.ts";
import { apiKeyStore } from "./api-key.ts";
import { PrincipalContext } from "./principal-context.ts";

/** Everything behind the sign-in. */
export function SignedIn({ apiKey }: { apiKey: string }) {
  const caller = useMemo(() => createPageCaller(apiKey), [apiKey]);
  const queryClient = useMemo(() => createQueryClient(), []);
  useEffect(() => readAhead(queryClient, caller, location.pathname), [queryClient, caller]);
  return (
    <CallerContext value={caller}>
      <QueryClientProvider client={queryClient}>
        <Workplace />
      </QueryClientProvider>
    </CallerContext>
  );
}

function Workplace() {
  const principal = useQuery(principalQuery(useCaller()));
  if (principal.isPending) return <main className="page">Connecting…</main>;
  if (principal.data === undefined) {
    return (
      <main className="page">
        <ErrorNotice
          what="The page could not connect"
          error={principal.error}
          onRetry={() => void principal.refetch()}
        />
      </main>
    );
  }
  return (
    <PrincipalContext value={principal.data}>
      <KeyProvider workspace={principal.data.workspace}>
        <RouterProvider router={router} />
      </KeyProvider>
    </PrincipalContext>
  );
}

function createQueryClient(): QueryClient {
  return new QueryClient({
    queryCache: new QueryCache({ onError: signOutIfRefused }),
    defaultOptions: {
      // "always": the API may be on this very machine, which the browser's "offline" says nothing about.
      queries: {
        retry: shouldRetry,
        retryDelay: retryDelayMs,
        staleTime: 1_000,
        networkMode: "always",
      },
      mutations: { networkMode: "always" },
    },
  });
}

function signOutIfRefused(error: unknown): void {
  if (isDownbeatError(error) && error.status === 401) apiKeyStore.clear(wordsOf(error));
}
