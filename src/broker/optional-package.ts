import { FlowscribeError } from "../errors/errors.js";
import { codeOf } from "../errors/message.js";

/**
 * Loads an optional peer dependency when it is first needed.
 *
 * @param name The package, for the message.
 * @param load Imports it.
 * @throws FlowscribeError `package_missing` if it is not installed.
 */
export async function loadPackage<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    const code = codeOf(cause);
    if (code !== "ERR_MODULE_NOT_FOUND" && code !== "MODULE_NOT_FOUND") throw cause;
    throw new FlowscribeError(
      "package_missing",
      `this needs the package ${name}, an optional peer dependency that is not installed: npm install ${name}`,
      { cause },
    );
  }
}
