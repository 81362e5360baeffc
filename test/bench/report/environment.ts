import { cpus } from "node:os";

/** Where and when a benchmark ran. */
export interface Environment {
  readonly node: string;
  readonly machine: string;
  /** As in 2026-01-31. */
  readonly date: string;
}

export function currentEnvironment(): Environment {
  return {
    node: process.version.slice(1),
    machine: `${cpus().length} × ${cpus()[0]?.model.trim() ?? "unknown processor"}`,
    date: new Date().toISOString().slice(0, "2026-01-01".length),
  };
}

/** The machine, Node, what was compared with, and the date, as a phrase. */
export function formatEnvironment(
  { node, machine, date }: Environment,
  peers: Readonly<Record<string, string>> = {},
): string {
  const programs = [["Node", node], ...Object.entries(peers)].map((program) => program.join(" "));
  return `${programs.join(", ")} on ${machine}, ${date}`;
}
