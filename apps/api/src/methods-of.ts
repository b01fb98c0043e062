import { ROUTES } from "@downbeat/contract";

const ROUTE_PATHS = Object.values(ROUTES).map(({ method, path }) => ({
  // Whoever may GET may ask for the headers alone.
  methods: method === "GET" ? [method, "HEAD"] : [method],
  path,
  form: new RegExp(`^${path.replaceAll(/:\w+/g, "[^/]+")}$`),
}));

/** The methods by which routes of the contract take a path; none when it is the path of no route. */
export function methodsOf(path: string): string[] {
  const literal = ROUTE_PATHS.filter((one) => one.path === path);
  const routes = literal.length > 0 ? literal : ROUTE_PATHS.filter(({ form }) => form.test(path));
  return [...new Set(routes.flatMap(({ methods }) => methods))].toSorted();
}
