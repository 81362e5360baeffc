import { readFileSync } from "node:fs";

const PACKAGE = /^(.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+)[\\/]/;

/** The text that the licences of bundled packages require: the notices at the beginning of their bundled files. */
export function thirdPartyNotices(moduleIds) {
  const notices = new Map();
  for (const id of moduleIds) {
    const [, folder] = PACKAGE.exec(id) ?? [];
    if (folder === undefined) continue;
    const notice = leadingComment(readFileSync(id, "utf8"));
    if (notice === "") continue;
    const known = notices.get(folder) ?? new Set();
    notices.set(folder, known.add(notice));
  }
  const sections = [...notices].map(([folder, texts]) => {
    const { name, version, license } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
    return [`${name} ${version}, ${license}`, ...texts].join("\n\n");
  });
  const about = "The JavaScript of this package contains parts of the following packages.";
  const apache = "The Apache License, Version 2.0, is in the file LICENSE of this package.";
  return `${[about, apache, ...sections].join("\n\n")}\n`;
}

function leadingComment(code) {
  const [comment] = /^(?:\/\/.*\n)*/.exec(code);
  return comment.includes("Copyright") ? comment.replace(/^\/\/ ?/gm, "").trim() : "";
}
