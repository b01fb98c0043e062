import { askProject } from "./ask-project.ts";
import type { ConfigMessage, DiscoveredFile, DiscoveryMessage } from "./discovery-message.ts";

/** What each of a project's files exports. @throws as {@link askProject} */
export async function discoverFlows(
  projectDirectory: string,
  paths: readonly string[],
): Promise<readonly DiscoveredFile[]> {
  return ((await askProject({ projectDirectory, paths })) as DiscoveryMessage).files;
}

/** The default export of a project's configuration file. @throws as {@link askProject} */
export async function importConfig(projectDirectory: string, file: string): Promise<ConfigMessage> {
  const question = { projectDirectory, paths: [file], args: ["--config", file] };
  return (await askProject(question)) as ConfigMessage;
}
