import { ROUTES, type RouteName, type RouteSpec } from "@downbeat/contract";

/** The route of the contract that a request is for. */
export function routeOf(method: string, path: string): RouteName {
  const found = (Object.entries(ROUTES) as [RouteName, RouteSpec][]).find(
    ([, spec]) =>
      spec.method === method &&
      new RegExp(`^${spec.path.replaceAll(/:\w+/g, "[^/]+")}$`).test(path),
  );
  if (found === undefined) throw new Error(`The fake plane knows no ${method} ${path}.`);
  return found[0];
}
