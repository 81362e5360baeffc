export type { ReadableStreamLike } from "../bytes/chunk-input.js";
export { encodePcap, type PcapOptions } from "./classic/encode.js";
export { type BytesLike, type CaptureSource, decodeCapture } from "./decode.js";
export type { CaptureWarnings, NotPreserved } from "./decoder.js";
export { mergeSources } from "./merge.js";
export type { CaptureDescription, PcapngAdditions } from "./pcapng/add/additions.js";
export { type AddressNames, type NameLookup, type NamesOption, namesBlock } from "./pcapng/add/names.js";
export {
  type DecryptionSecrets,
  MAX_SECRETS_BYTES,
  type SecretsOption,
  type SecretsType,
  secretsBlock,
} from "./pcapng/add/secrets.js";
export { encodePcapng, type PcapngOptions } from "./pcapng/encode.js";
export { MAX_BLOCK_BYTES, MAX_DESCRIPTION_BYTES, MAX_INTERFACES } from "./pcapng/limits.js";
