// For `node --import`: appends the URL of every module that is loaded to the file named by $LOADED_MODULES, and at the end
// the paths of those loaded by require().
import { appendFileSync } from "node:fs";
import { createRequire, register } from "node:module";

const hooks = `
  import { appendFileSync } from "node:fs";
  export function load(url, context, next) {
    appendFileSync(process.env.LOADED_MODULES, url + "\\n");
    return next(url, context);
  }`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);

const { cache } = createRequire(import.meta.url);
process.on("exit", () => {
  for (const path of Object.keys(cache)) appendFileSync(process.env.LOADED_MODULES, `${path}\n`);
});
