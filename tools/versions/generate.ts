// Writes docs/versions.md, the differences between the versions of Hubble: `npm run generate:versions`. A test checks that the
// page is current.
import { writeFileSync } from "node:fs";
import { versionsPage } from "./page.js";

writeFileSync(new URL("../../docs/versions.md", import.meta.url), versionsPage());
