import { readFileSync } from "node:fs";
import { optionsOf } from "../../errors/check-options.js";
import { messageOf } from "../../errors/message.js";
import { aPath, aString, isObject, type ReportIssue, type ValueCheck } from "../../errors/value-checks.js";

/** A password or token, which is never in the configuration file itself: the name of a variable, or the path of a file. */
export type Secret =
  | { readonly env: string; readonly file?: never }
  | { readonly file: string; readonly env?: never };

const checkFields = optionsOf<{ readonly env?: string; readonly file?: string }>("a secret", {
  env: aString,
  file: aPath,
});

export const aSecret: ValueCheck<Secret> = (value, path, report) => {
  if (!isObject(value)) {
    report(
      path,
      "must be `{ env: NAME }` or `{ file: PATH }`: secrets are not written into configuration files",
    );
    return;
  }
  checkFields(value, path, report);
  const { env, file } = value as { readonly env?: unknown; readonly file?: unknown };
  if ((env === undefined) === (file === undefined)) report(path, "must have either env or file");
};

type Environment = Readonly<Record<string, string | undefined>>;

/** Whether {@link aSecret} accepts the value. */
function isSecret(value: unknown): value is Secret {
  let isValid = true;
  aSecret(value as never, "", () => {
    isValid = false;
  });
  return isValid;
}

/** Reports a secret that is missing. What is no secret was reported by {@link aSecret}. */
export function checkSecret(
  secret: Secret | undefined,
  path: string,
  env: Environment,
  report: ReportIssue,
): void {
  if (isSecret(secret)) readSecret(secret, path, env, report);
}

/** Reads a secret, without its last line feed. Reports one that is missing; the value is never part of a message. */
export function readSecret(secret: Secret, path: string, env: Environment, report: ReportIssue): string {
  if (secret.env !== undefined) {
    const value = env[secret.env];
    if (value === undefined || value === "")
      report(path, `the environment variable ${secret.env} is not set`);
    return value ?? "";
  }
  try {
    return readFileSync(secret.file, "utf8").replace(/\r?\n$/, "");
  } catch (error) {
    report(path, messageOf(error));
    return "";
  }
}
