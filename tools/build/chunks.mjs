// Which modules share a file in dist/: options of the bundler's `codeSplitting`. Few files, because loading one takes about
// half a millisecond; but no file with much that a program does not use, because V8 reads all of it.

const MESSAGE = /[\\/]src[\\/]message[\\/]/;
const PROTOBUF = /[\\/]@bufbuild[\\/]protobuf[\\/]/;

const LIBRARY = [
  ["core", /[\\/]src[\\/](errors|go|async|bytes|net)[\\/]/],
  ["protobuf", /[\\/](@bufbuild[\\/]protobuf|src[\\/]gen|tools[\\/]build)[\\/]/],
  ...["regex", "cel", "filter", "packet", "pcap", "observer", "recorder"].map((name) => [
    name,
    new RegExp(`[\\\\/]src[\\\\/]${name}[\\\\/]`),
  ]),
];

/** The entry points share a file for each module of the architecture. */
export const libraryChunks = {
  includeDependenciesRecursively: false,
  groups: [{ debugName: "library", tags: ["$initial"], name: libraryChunk }],
};

function libraryChunk(id, context) {
  // A file that other files import exports more than the entry point does.
  if (context.getModuleInfo(id)?.isEntry) return null;
  // Packet filters read messages without protobuf-es.
  if (MESSAGE.test(id)) return imports(id, PROTOBUF, context) ? "protobuf" : "core";
  return LIBRARY.find(([, modules]) => modules.test(id))?.[0] ?? null;
}

/** The commands that start most often share a file, and each has one for the rest. */
export const programChunks = {
  includeDependenciesRecursively: false,
  groups: [{ debugName: "program", name: programChunk }],
};

const MAIN = /[\\/]src[\\/]cli[\\/]main\.ts$/;
/** Also used by what the commands load later, such as the decoder of pcapng. */
const COMMON = /[\\/]src[\\/](errors|go|async|bytes|net|pcap)[\\/]/;
const OBSERVE = /[\\/]src[\\/]cli[\\/]observe[\\/]command\.ts$/;
const RECORD = /[\\/]src[\\/]cli[\\/]record[\\/]command\.ts$/;

function programChunk(id, context) {
  if (MAIN.test(id)) return null;
  if (isImportedBy(id, MAIN, context)) return "program";
  const [isObserve, isRecord] = [OBSERVE, RECORD].map((command) => isImportedBy(id, command, context));
  if ((isObserve && isRecord) || ((isObserve || isRecord) && COMMON.test(id))) return "commands";
  return isObserve ? "observe" : isRecord ? "record" : null;
}

function imports(id, pattern, context) {
  return leadsTo(pattern, id, (id) => context.getModuleInfo(id)?.importedIds ?? []);
}

function isImportedBy(id, pattern, context) {
  return leadsTo(pattern, id, (id) => context.getModuleInfo(id)?.importers ?? []);
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
