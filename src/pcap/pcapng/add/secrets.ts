import { isUint8Array } from "../../../bytes/is-uint8-array.js";
import { checkArgument } from "../../../errors/check-argument.js";
import { type OptionTable, optionsOf } from "../../../errors/check-options.js";
import { aListOf, oneOf, required, type ValueCheck, valueCheck } from "../../../errors/value-checks.js";
import type { SideBlock } from "../../../packet/side-blocks.js";
import { BLOCK_BODY, BLOCK_OVERHEAD, DECRYPTION_SECRETS, DSB, padded } from "../format.js";
import { MAX_BLOCK_BYTES } from "../limits.js";

/** https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-04.html#section-4.7 */
const SECRETS_TYPES = {
  "TLS Key Log": 0x544c534b,
  "SSH Key Log": 0x5353484b,
  "WireGuard Key Log": 0x57474b4c,
} as const;

/** What the bytes of {@link DecryptionSecrets} are. */
export type SecretsType = keyof typeof SECRETS_TYPES;

/** Secrets that decrypt the packets after them: anyone who has the file can read what they protect. */
export interface DecryptionSecrets {
  readonly type: SecretsType;
  /** The contents of the key log file, at most {@link MAX_SECRETS_BYTES}. */
  readonly bytes: Uint8Array;
}

/** Maximum length in bytes of the secrets in one block, so that the block can be read again. */
export const MAX_SECRETS_BYTES: number = MAX_BLOCK_BYTES - 64;

/**
 * The secrets for a file, or a function that returns all secrets known so far, in the same order every time: those that
 * have been added since its last call are written before the next packets.
 */
export type SecretsOption = readonly DecryptionSecrets[] | (() => readonly DecryptionSecrets[]);

const SECRETS: OptionTable<DecryptionSecrets> = {
  // True because the table has no other keys.
  type: required(oneOf(...(Object.keys(SECRETS_TYPES) as SecretsType[]))),
  bytes: required(
    valueCheck(
      `a Uint8Array of at most ${MAX_SECRETS_BYTES} bytes`,
      (value) => isUint8Array(value) && value.length <= MAX_SECRETS_BYTES,
    ),
  ),
};

const someSecrets: ValueCheck<DecryptionSecrets> = optionsOf<DecryptionSecrets>("secrets", SECRETS);
const aSecretsList = aListOf(someSecrets);
const aListOrFunction: ValueCheck<SecretsOption> = valueCheck(
  "a list of secrets, or a function that returns one",
  (value) => Array.isArray(value) || typeof value === "function",
);

/** Checks {@link SecretsOption}; what a function returns is checked when it is called. */
export const aSecretsOption: ValueCheck<SecretsOption> = (value, path, report) => {
  if (Array.isArray(value)) aSecretsList(value, path, report);
  else aListOrFunction(value, path, report);
};

/**
 * Creates a Decryption Secrets Block (draft-ietf-opsawg-pcapng section 4.7). The bytes are copied.
 *
 * @param before The index in its batch of the packet that the block precedes.
 *
 * @example
 * ```ts
 * const blocks = [secretsBlock({ type: "TLS Key Log", bytes: readFileSync("keys.log") })];
 * const decryptable = { ...batch, pcapng: { blocks } };
 * ```
 *
 * @throws TypeError for invalid secrets.
 */
export function secretsBlock(secrets: DecryptionSecrets, before = 0): SideBlock {
  checkArgument("secretsBlock", "secrets", secrets, someSecrets);
  const { type, bytes } = secrets;
  const body = new Uint8Array(DSB.secrets - BLOCK_BODY + padded(bytes.length));
  const view = new DataView(body.buffer);
  view.setUint32(DSB.secretsType - BLOCK_BODY, SECRETS_TYPES[type], true);
  view.setUint32(DSB.secretsLength - BLOCK_BODY, bytes.length, true);
  body.set(bytes, DSB.secrets - BLOCK_BODY);
  return { before, type: DECRYPTION_SECRETS, body };
}

/** The length in the file of the block of these secrets. */
export function secretsBlockBytes({ bytes }: DecryptionSecrets): number {
  return BLOCK_OVERHEAD + DSB.secrets - BLOCK_BODY + padded(bytes.length);
}
