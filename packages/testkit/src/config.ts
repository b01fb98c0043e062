/** What the environment may say about test databases. */
export type TestkitConfig = {
  /** A superuser URL of a server that already runs; nothing is started then. */
  readonly externalDatabaseUrl: string | undefined;
};

/** Reads `DOWNBEAT_TEST_DATABASE_URL`; an empty value counts as unset. */
export function testkitConfig(env: NodeJS.ProcessEnv = process.env): TestkitConfig {
  return { externalDatabaseUrl: env["DOWNBEAT_TEST_DATABASE_URL"] || undefined };
}
