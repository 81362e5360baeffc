import { UsageError } from "../error-text.js";
import type { Io } from "../io/io.js";
import { type CollectConfig, configIssues } from "./config.js";
import { readConfigFile } from "./config-file.js";

/**
 * Reads and checks a configuration file.
 *
 * @throws UsageError with each fault in a line of its own: `file:line:column: path: message`.
 */
export async function loadConfig(path: string, io: Pick<Io, "env">): Promise<CollectConfig> {
  const { value, placeOf } = await readConfigFile(path);
  const issues = configIssues(value, io);
  if (issues.length === 0) return value as CollectConfig;
  const faults = issues.map((issue) => {
    const where = `${path}:${placeOf(issue.path)}`;
    return issue.path === "" ? `${where}: ${issue.message}` : `${where}: ${issue.path}: ${issue.message}`;
  });
  throw new UsageError(faults.join("\n"));
}
