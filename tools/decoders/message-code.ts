import type { DescMessage } from "@bufbuild/protobuf";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";
import { type FieldLayout, layoutOf, type MessageLayout } from "./layout.js";

/** The code for a message type: its table, and the functions that create, clear and decode a message. */
export function messageCode(layout: MessageLayout, isRoot: boolean): string {
  return [
    entryCode(layout, isRoot),
    createCode(layout, isRoot),
    clearCode(layout, isRoot),
    mergeCode(layout, isRoot),
  ]
    .filter((code) => code !== "")
    .join("\n");
}

function entryCode({ desc, name, fields, tableLength }: MessageLayout, isRoot: boolean): string {
  const rows = fields.map(({ desc: { name: fieldName, number, oneof }, kind, message }) => {
    const wireType = message !== undefined || ["string", "strings", "bytes"].includes(kind) ? 2 : 0;
    const rest = [
      ...(oneof === undefined ? [] : [`oneof: ${JSON.stringify(oneof.name)}`]),
      ...(message === undefined ? [] : [`message: ${entryName(message)}`]),
      ...(kind === "messages" || kind === "strings" ? ["isList: true"] : []),
    ];
    const columns = [
      `name: ${JSON.stringify(fieldName)}`,
      `number: ${number}`,
      `wireType: ${wireType}`,
      ...rest,
    ];
    return `    { ${columns.join(", ")} },`;
  });
  return `${exported(isRoot)}const ${entryName(desc)}: MessageEntry = {
  name: ${JSON.stringify(desc.typeName)},
  fields: [
${rows.join("\n")}
  ],
  tableLength: ${tableLength},
  create: new${name},
};
`;
}

function createCode({ desc, name }: MessageLayout, isRoot: boolean): string {
  const properties = desc.members.map((member) => {
    if (member.kind === "oneof") return `    ${member.localName}: { case: undefined, value: undefined },`;
    return `    ${member.localName}: ${emptyValue(fieldOf(desc, member.localName))},`;
  });
  return `${exported(isRoot)}function new${name}(): Own<${name}> {
  return {
    $typeName: ${JSON.stringify(desc.typeName)},
${properties.join("\n")}
  };
}
`;
}

function clearCode({ desc, name }: MessageLayout, isRoot: boolean): string {
  // The value of a wrapper is set before it is decoded.
  if (isWrapperDesc(desc)) return "";
  const statements = desc.members.map((member) => {
    const property = `m.${member.localName}`;
    if (member.kind === "oneof") {
      return `  const ${member.localName} = ${property} as Oneof;
  ${member.localName}.case = undefined;
  ${member.localName}.value = undefined;`;
    }
    const field = fieldOf(desc, member.localName);
    // Unlike a length of 0, this keeps the memory of the list.
    if (isList(field)) return `  while (${property}.length > 0) ${property}.pop();`;
    return `  ${property} = ${emptyValue(field)};`;
  });
  return `${exported(isRoot)}function clear${name}(m: Own<${name}>): Own<${name}> {
${statements.join("\n")}
  return m;
}
`;
}

/** A field that occurs again replaces a scalar, is merged into a message, and appended to a list. */
function mergeCode({ name, fields, firstWithLength, tableLength }: MessageLayout, isRoot: boolean): string {
  const hasLengths = fields.length + 3 > firstWithLength;
  const lengthCheck = hasLengths
    ? `    if (slot >= ${firstWithLength} && n > limit - at) throw plan.reader.truncated();\n`
    : "";
  return `${exported(isRoot)}function merge${name}(
  m: Own<${name}>,
  bytes: Uint8Array,
  start: number,
  end: number,
  limit: number,
  plan: Plan,
): number {
  const slots = plan.slots;
  let at = start;
  while (at < end) {
    let tag = bytes[at++]!;
    if (tag > 0x7f) {
      const second = at < limit ? bytes[at]! : 0x80;
      if (second < 0x80) {
        tag = (tag & 0x7f) | (second << 7);
        at++;
      } else {
        tag = plan.reader.tag(bytes, at - 1, limit);
        at = plan.reader.at;
      }
    }
    let slot = tag < ${tableLength} ? slots[tag]! : 0;
    if (slot === 0) {
      slot = plan.resolve(tag);
      if (slot === 0) {
        at = plan.unknown(m, bytes, at, limit, tag);
        continue;
      }
    }
    if (at >= limit) throw plan.reader.truncated();
    const from = at;
    let n = bytes[at++]!;
    if (n > 0x7f) {
      const second = at < limit ? bytes[at]! : 0x80;
      if (second < 0x80) {
        n = (n & 0x7f) | (second << 7);
        at++;
      } else {
        n = plan.reader.varint(bytes, from, limit);
        at = plan.reader.at;
      }
    }
    if (slot === 2) {
      if (n > limit - at) throw plan.reader.truncated();
      at += n;
      continue;
    }
    if (slot === 1) continue;
${lengthCheck}    switch (slot) {
${fields.map(caseCode).join("\n")}
    }
  }
  return at;
}
`;
}

function caseCode(field: FieldLayout): string {
  const { slot, desc } = field;
  const body = valueCode(field).map((line) => `        ${line}`);
  return `      // ${desc.name}
      case ${slot}: {
${body.join("\n")}
        break;
      }`;
}

function valueCode({ kind, desc, message, oneof, slot }: FieldLayout): string[] {
  const property = `m.${desc.localName}`;
  const type = message === undefined ? "" : layoutOf(message).name;
  const create = `own.reuses ? clear${type}(own.scratch as Own<${type}>) : new${type}()`;
  const merge = `at = merge${type}(child, bytes, at, at + n, limit, own);`;
  const own = `const own = plan.children[${slot}]!;`;
  switch (kind) {
    case "int32":
      return [`${property} = n | 0;`];
    case "uint32":
      return [`${property} = n;`];
    case "int64":
    case "uint64":
      return [`${property} = plan.reader.${kind}(bytes, from, limit);`];
    case "bool":
      return [`${property} = at === from + 1 ? n !== 0 : plan.reader.bool(bytes, from, limit);`];
    case "string":
      return [`${property} = plan.strings.read(bytes, at, n);`, "at += n;"];
    case "strings":
      return [`${property}.push(plan.strings.read(bytes, at, n));`, "at += n;"];
    case "bytes":
      return [`${property} = plan.reader.slice(bytes, at, at + n) as typeof ${property};`, "at += n;"];
    case "wrapper":
      return [
        own,
        `const child = own.scratch as Own<${type}>;`,
        `child.value = ${property} ?? ${emptyValue(layoutOf(message!).fields[0]!)};`,
        merge,
        `${property} = child.value;`,
      ];
    case "messages":
      return [
        own,
        `const child = own.reuses ? clear${type}(own.take() as Own<${type}>) : new${type}();`,
        merge,
        `${property}.push(child);`,
      ];
    case "message":
      return oneof === undefined
        ? [
            own,
            `let child = ${property} as Own<${type}> | undefined;`,
            "if (child === undefined) {",
            `  child = ${create};`,
            `  ${property} = child;`,
            "}",
            merge,
          ]
        : [
            own,
            `const group = m.${oneof} as Oneof;`,
            `let child = group.value as Own<${type}>;`,
            `if (group.case !== ${JSON.stringify(desc.localName)}) {`,
            `  child = ${create};`,
            `  group.case = ${JSON.stringify(desc.localName)};`,
            "  group.value = child;",
            "}",
            merge,
          ];
  }
}

function fieldOf(desc: DescMessage, localName: string): FieldLayout {
  return layoutOf(desc).fields.find(({ desc: field }) => field.localName === localName)!;
}

function isList({ kind }: FieldLayout): boolean {
  return kind === "strings" || kind === "messages";
}

function emptyValue({ kind }: FieldLayout): string {
  switch (kind) {
    case "int32":
    case "uint32":
      return "0";
    case "int64":
    case "uint64":
      return "0n";
    case "bool":
      return "false";
    case "string":
      return '""';
    case "strings":
    case "messages":
      return "[]";
    case "bytes":
      return "NO_BYTES";
    case "message":
    case "wrapper":
      return "undefined";
  }
}

/** `flow.TCPFlags` → `TCP_FLAGS_ENTRY`. */
function entryName({ typeName }: DescMessage): string {
  const name = typeName.replace(/^(google\.protobuf|[a-z]+)\./, "").replaceAll(".", "_");
  return `${name.replace(/([a-z0-9])([A-Z])/g, "$1_$2").toUpperCase()}_ENTRY`;
}

function exported(isRoot: boolean): string {
  return isRoot ? "export " : "";
}
