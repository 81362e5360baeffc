import { cpus } from "node:os";

/** The machine, Node, what was compared with, and the date, as a phrase. */
export function environment(peers: Readonly<Record<string, string>> = {}): string {
  const programs = [["Node", process.version.slice(1)], ...Object.entries(peers)];
  const machine = `${cpus().length} × ${cpus()[0]?.model.trim() ?? "unknown processor"}`;
  const date = new Date().toISOString().slice(0, "2026-01-01".length);
  return `${programs.map((program) => program.join(" ")).join(", ")} on ${machine}, ${date}`;
}
