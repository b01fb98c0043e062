import { createRootRoute, createRoute, createRouter, redirect } from "@tanstack/react-router";
import { parseRunSearch, parseRunsSearch, paths } from "./paths.ts";
import { RunPage } from "./run/run-page.tsx";
import { RunsPage } from "./runs/runs-page.tsx";
import { Layout } from "./ui/layout.tsx";
import { NotFound } from "./ui/not-found.tsx";
import { PageError } from "./ui/page-error.tsx";

const rootRoute = createRootRoute({ component: Layout, notFoundComponent: NotFound });

const homeRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: paths.home,
  beforeLoad: () => {
    redirect({ to: paths.runs, replace: true, throw: true });
  },
});

const runsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: paths.runs,
  validateSearch: parseRunsSearch,
  component: RunsPage,
});

const runRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: paths.run,
  validateSearch: parseRunSearch,
  component: RunPage,
});

export const router = createRouter({
  routeTree: rootRoute.addChildren([homeRoute, runsRoute, runRoute]),
  defaultErrorComponent: PageError,
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
