/** Modules that several entry points share, by the file in dist/shared/ that has them: as few files as possible. */
const CHUNKS = [
  ["core", /[\\/]src[\\/](errors|go|async|bytes|net)[\\/]/],
  ["protobuf", /[\\/](@bufbuild[\\/]protobuf|src[\\/]gen)[\\/]|[\\/]tools[\\/]build[\\/]/],
  ["regex", /[\\/](re2js|src[\\/]regex)[\\/]/],
  ...["cel", "filter", "packet", "pcap", "observer", "recorder"].map((name) => [
    name,
    new RegExp(`[\\\\/]src[\\\\/]${name}[\\\\/]`),
  ]),
];

const MESSAGE = /[\\/]src[\\/]message[\\/]/;
const PROTOBUF = /[\\/]@bufbuild[\\/]protobuf[\\/]/;
const CLI = /[\\/]src[\\/]cli[\\/]/;
const PROGRAM = /[\\/]src[\\/]cli[\\/]main\.ts$/;

/** Options of the bundler's `codeSplitting`. */
export const sharedChunks = {
  includeDependenciesRecursively: false,
  groups: [
    { debugName: "modules", tags: ["$initial"], name: chunkOf },
    { name: "cli", test: CLI, minShareCount: 2, entriesAware: true },
  ],
};

function chunkOf(id, context) {
  const importersOf = (id) => context.getModuleInfo(id)?.importers ?? [];
  const importsOf = (id) => context.getModuleInfo(id)?.importedIds ?? [];
  // The few modules of others that the program needs before it knows the command.
  if (!CLI.test(id) && leadsTo(PROGRAM, id, importersOf)) return "core";
  // Packet filters read messages without protobuf-es.
  if (MESSAGE.test(id)) return leadsTo(PROTOBUF, id, importsOf) ? "protobuf" : "core";
  return CHUNKS.find(([, modules]) => modules.test(id))?.[0] ?? null;
}

/** Whether a module, or one of those that follow, matches. */
function leadsTo(pattern, id, next) {
  const seen = new Set([id]);
  for (const module of seen) {
    if (pattern.test(module)) return true;
    for (const following of next(module)) seen.add(following);
  }
  return false;
}
