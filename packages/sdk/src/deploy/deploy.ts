import { DownbeatError } from "@downbeat/contract/errors";
import { flowDefinitionOf } from "../flow-definition.ts";
import { locateProfile } from "../profile/read-profile.ts";
import { jsonText } from "../remote/json-text.ts";
import { deploymentNamed } from "../remote/trigger-terms.ts";
import type { Servable } from "../serve/serve.ts";
import type { DeploymentConfig } from "./define-config.ts";

/** Where agents find a flow, and how it runs there. */
export type DeployOptions = DeploymentConfig & {
  /** The module that exports the flow: a `file:` URL, made with `new URL("./flows/weather.ts", import.meta.url)`. */
  readonly module: string | URL;
  /**
   * What the module exports it as. Default: found by importing the module, which therefore must not itself await
   * `deploy()` while it is imported.
   */
  readonly export?: string;
  /** The project directory that agents run in; the module lies in it. Default: the working directory. */
  readonly project?: string;
  /** Name of the deployment. Default `default`. */
  readonly name?: string;
};

/** A version of a flow that agents run from now on. */
export type Deployed = {
  readonly flow: string;
  readonly deployment: string;
  /** SHA-256 of the module with what it leads to by relative paths, hexadecimal. */
  readonly contentHash: string;
  /** The commit, where nothing of the project is uncommitted. */
  readonly gitSha: string | null;
};

/**
 * Registers a flow, or a task marked `background`, as a deployment that agents run: what `downbeat deploy` does, for
 * programs. The code stays where it is; the path and the default parameters are sealed. It takes a profile with a key
 * file, since agents run only what a holder of the key has sealed.
 *
 * @example
 * await deploy(weather, { module: new URL("./flows/weather.ts", import.meta.url), pool: "eu", parameters: { year: 2014 } });
 * @throws DownbeatError `definition_invalid` for what is no flow or an option that cannot work, `entrypoint_invalid` when
 *   the module does not lie in the project or does not export it, `parameters_invalid`, `profile_missing`, `key_missing`,
 *   `role_insufficient` when the API key may not deploy, `unreachable`
 */
export async function deploy(flow: Servable, options: DeployOptions): Promise<Deployed> {
  const definition = flowDefinitionOf(flow);
  if (definition === undefined) {
    throw new DownbeatError("definition_invalid", {
      message: "deploy() was given something that is neither a flow nor a background task",
    });
  }
  const { name: deployment = "default", parameters = {} } = options;
  deploymentNamed({ flow: definition.name, deployment });
  jsonText("parameters", parameters);
  const source = locateProfile();
  if (source === undefined) throw new DownbeatError("profile_missing");
  // Only now: client and sealing are most of the start-up time of a script that deploys nothing.
  const { registerDeployment } = await import("./register-deployment.ts");
  return registerDeployment(source, { definition, deployment, options });
}
