// Which modules share a file in dist/: options of the bundler's `codeSplitting`. Few files, because loading one takes about
// half a millisecond; but no file with much that a program does not use, because V8 reads all of it.

const MESSAGE = /[\\/]src[\\/]message[\\/]/;
const PROTOBUF = /[\\/]@bufbuild[\\/]protobuf[\\/]/;
const DECODERS = /[\\/]src[\\/]gen[\\/]decoders\.ts$/;

const LIBRARY = [
  ["core", /[\\/]src[\\/](errors|go|async|bytes|net|hubble)[\\/]/],
  ["protobuf", /[\\/](@bufbuild[\\/]protobuf|src[\\/]gen(?![\\/]opentelemetry)|tools[\\/]build)[\\/]/],
  // The part for gRPC is loaded later and imports from it.
  ["otlp", /[\\/]src[\\/](sink[\\/]otlp|gen[\\/]opentelemetry)[\\/]/],
  ...["regex", "cel", "filter", "packet", "pcap", "observer", "recorder", "broker"].map((name) => [
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
  // Packet filters read messages without protobuf-es and the generated decoders.
  if (MESSAGE.test(id) || DECODERS.test(id)) {
    if (imports(id, PROTOBUF, context)) return "protobuf";
    return imports(id, DECODERS, context) ? "decoders" : "core";
  }
  return LIBRARY.find(([, modules]) => modules.test(id))?.[0] ?? null;
}

const ROOTS = [
  "src/cli/main.ts",
  "src/cli/record/command.ts",
  "src/cli/observe/command.ts",
  "src/cli/input/capture.ts",
  "src/pcap/pcapng/decode.ts",
];

/**
 * The commands that start most often share a file, and each has one for the rest.
 *
 * @param automatic The bundle as it is divided by default: a file for each set of modules that are loaded together. Only
 *   that says what a module needs, apart from what its imports re-export. It has too many files.
 */
export function programChunks(automatic) {
  const [program, record, observe, capture, pcapng] = ROOTS.map((path) => modulesLoadedBy(automatic, path));
  const name = (id) => {
    // These stay files of their own. A file that others share too would need another one for its own exports.
    if (ROOTS.some((path) => isModule(id, path))) return null;
    if (program.has(id)) return "program";
    if (pcapng.has(id)) return "commands";
    if (observe.has(id) || capture.has(id)) return record.has(id) ? "commands" : "observe";
    return record.has(id) ? "record" : null;
  };
  return { includeDependenciesRecursively: false, groups: [{ debugName: "program", name }] };
}

/** The modules that are loaded with a module that is a file of its own. */
function modulesLoadedBy(output, path) {
  const files = new Map(output.map((file) => [file.fileName, file]));
  const root = output.find(({ facadeModuleId }) => facadeModuleId && isModule(facadeModuleId, path));
  const loaded = new Set([root.fileName]);
  for (const fileName of loaded)
    for (const imported of files.get(fileName)?.imports ?? []) loaded.add(imported);
  return new Set([...loaded].flatMap((fileName) => files.get(fileName)?.moduleIds ?? []));
}

function isModule(id, path) {
  return id.replaceAll("\\", "/").endsWith(`/${path}`);
}

/** Whether a module is one of those wanted or imports one, directly or not. */
function imports(id, wanted, context) {
  const seen = new Set([id]);
  for (const module of seen) {
    if (wanted.test(module)) return true;
    for (const imported of context.getModuleInfo(module)?.importedIds ?? []) seen.add(imported);
  }
  return false;
}
