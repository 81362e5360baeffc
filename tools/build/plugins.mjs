import { join } from "node:path";

/** Compiles filters. */
const FILTERS = /[\\/]src[\\/]filter[\\/]compile\.ts$/;
const LAZY_CEL_ENGINE = join(import.meta.dirname, "lazy-cel-engine.ts");
const LOAD_CEL_ENGINE = join(import.meta.dirname, "load-cel-engine.ts");
const CODEGEN = /@bufbuild[\\/]protobuf[\\/]dist[\\/]esm[\\/]codegenv2[\\/]/;
const LAZY_CODEGEN = join(import.meta.dirname, "lazy-codegen.ts");
const LAZY_RE2JS = join(import.meta.dirname, "lazy-re2js.ts");

/** A plugin of the bundler: generated code, that of protobuf-es included, uses the functions of `lazy-codegen.ts`. */
export function lazyDescriptors() {
  return {
    name: "lazy-descriptors",
    async resolveId(source, importer, options) {
      if (!source.includes("codegenv2") || importer === undefined) return null;
      if (importer === LAZY_CODEGEN || CODEGEN.test(importer)) return null;
      const resolved = await this.resolve(source, importer, { ...options, skipSelf: true });
      return resolved !== null && CODEGEN.test(resolved.id) ? LAZY_CODEGEN : resolved;
    },
  };
}

/** A plugin of the bundler: imports of re2js use `lazy-re2js.ts`. */
export function lazyRe2js() {
  return {
    name: "lazy-re2js",
    resolveId: (source) => (source === "re2js" ? LAZY_RE2JS : null),
  };
}

/** A plugin of the bundler: filters use `lazy-cel-engine.ts`, and dynamic imports of the CEL engine load it into that. */
export function lazyCelEngine() {
  return {
    name: "lazy-cel-engine",
    resolveId(source, importer, { kind }) {
      if (!source.endsWith("/cel-engine.js")) return null;
      if (kind === "dynamic-import") return { id: LOAD_CEL_ENGINE, moduleSideEffects: true };
      return FILTERS.test(importer) ? LAZY_CEL_ENGINE : null;
    },
  };
}
