import { join } from "node:path";

const FUNCTIONS = /@bufbuild[\\/]protobuf[\\/]dist[\\/]esm[\\/]codegenv2[\\/]/;
const REPLACEMENT = join(import.meta.dirname, "lazy-codegen.ts");

/** A plugin of the bundler: generated code, that of protobuf-es included, uses the functions of `lazy-codegen.ts`. */
export function lazyDescriptors() {
  return {
    name: "lazy-descriptors",
    async resolveId(source, importer, options) {
      if (importer === undefined || importer === REPLACEMENT || FUNCTIONS.test(importer)) return null;
      if (!source.includes("codegenv2")) return null;
      const resolved = await this.resolve(source, importer, { ...options, skipSelf: true });
      return resolved !== null && FUNCTIONS.test(resolved.id) ? REPLACEMENT : resolved;
    },
  };
}
