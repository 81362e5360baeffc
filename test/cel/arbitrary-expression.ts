import fc from "fast-check";

/** Picks a number from 0 to less than `count`. */
export type Pick = (count: number) => number;

/** Around a leaf: a literal, a variable, or the constant of an enum. Neither is in any text that the generator makes. */
const OPEN = "\ue000";
const CLOSE = "\ue001";
const LEAVES = /\ue000([^\ue001]*)\ue001/g;

/** An expression in two forms that mean the same. */
export interface TwoForms {
  /** With types that the checker knows. */
  readonly typed: string;
  /** With every leaf in a `dyn()`, so that types are known at run time only. */
  readonly dynamic: string;
}

/** Expressions that check, or nearly so, over `_flow` of type flow.Flow and `m` of type TestAllTypes. */
export function arbitraryExpression(type: ExprType = "bool"): fc.Arbitrary<TwoForms> {
  return fc.gen().map((gen) => {
    const pick: Pick = (count) => gen(fc.nat, { max: count - 1 });
    return bothForms(new Writer(pick).write(type, 1 + pick(4)));
  });
}

/** Both forms of a text in which leaves are marked. */
function bothForms(marked: string): TwoForms {
  return { typed: marked.replaceAll(LEAVES, "$1"), dynamic: marked.replaceAll(LEAVES, "dyn($1)") };
}

/** Words and signs without any order. */
export function arbitrarySoup(): fc.Arbitrary<string> {
  return fc.array(fc.constantFrom(...WORDS), { minLength: 1, maxLength: 14 }).map((words) => words.join(" "));
}

/** An expression in which a few tokens were replaced, removed or added. */
export function arbitraryMutant(): fc.Arbitrary<string> {
  const change = fc.record({
    at: fc.nat(),
    drop: fc.nat({ max: 2 }),
    word: fc.constantFrom("", ...WORDS),
  });
  return fc
    .record({ expression: arbitraryExpression(), changes: fc.array(change, { minLength: 1, maxLength: 3 }) })
    .map(({ expression, changes }) => {
      const words = expression.typed.match(/\w+|'[^']*'|\s+|[^\w\s]/g) ?? [];
      for (const { at, drop, word } of changes) words.splice(at % (words.length + 1), drop, ` ${word} `);
      return words.join("");
    });
}

export type ExprType =
  | "bool"
  | "int"
  | "uint"
  | "double"
  | "string"
  | "bytes"
  | "timestamp"
  | "duration"
  | "strings"
  | "ints"
  | "map"
  | "endpoint"
  | "tcp"
  | "wrapped"
  | "wrappedInt"
  | "any";

const TYPES: readonly ExprType[] = [
  "bool",
  "int",
  "uint",
  "double",
  "string",
  "bytes",
  "timestamp",
  "duration",
  "strings",
  "ints",
  "map",
  "endpoint",
  "tcp",
  "wrapped",
  "wrappedInt",
];

/** `$` marks a leaf up to the next space, parenthesis or the like; `<int>` is any expression of the type. */
const LEAF_FORMS: Readonly<Record<ExprType, readonly string[]>> = {
  bool: ["$true", "$false", "$_flow.reply", "has($_flow.l4.TCP)", "$m.single_bool", "has($m.single_int64)"],
  int: [
    ...["$0", "$1", "$-1", "$9223372036854775807", "$-9223372036854775808", "$9007199254740993", "$42"],
    ...["$Verdict.DROPPED", "$_flow.verdict", "$_flow.event_type.sub_type", "$_flow.Type", "$m.single_int64"],
    ...["$m.single_int32", "$m.standalone_enum", "$m.single_sint64", "$_flow.traffic_direction"],
  ],
  uint: [
    ...["$0u", "$1u", "$18446744073709551615u", "$9007199254740993u", "$80u", "$_flow.drop_reason"],
    ...[
      "$_flow.l4.TCP.destination_port",
      "$_flow.source.identity",
      "$_flow.socket_cookie",
      "$m.single_uint64",
    ],
    ...["$m.single_uint32", "$m.single_fixed64"],
  ],
  double: ["$0.0", "$-0.0", "$1.5", "$1e308", "$9007199254740993.0", "$m.single_double", "$m.single_float"],
  string: [
    ...[
      "$''",
      "$'a'",
      "$'k8s:app=x'",
      "$'é😀\ufffd'",
      "$'2024-01-02T03:04:05.678Z'",
      "$'1h30m'",
      "$'12'",
      "$'^a+'",
    ],
    ...[
      "$_flow.source.pod_name",
      "$_flow.IP.source",
      "$_flow.Summary",
      "$_flow.node_name",
      "$m.single_string",
    ],
  ],
  bytes: ["$b''", "$b'abc'", "$b'\\xff\\x00'", "$m.single_bytes"],
  timestamp: ["$_flow.time", "$timestamp('2024-01-02T03:04:05.678Z')", "$m.single_timestamp"],
  duration: ["$duration('1h30m')", "$duration('-1ns')", "$m.single_duration"],
  strings: ["$_flow.source.labels", "$_flow.destination.labels", "$_flow.node_labels", "$m.repeated_string"],
  ints: ["$m.repeated_int32", "$m.repeated_int64"],
  map: ["$m.map_string_string"],
  endpoint: ["$_flow.source", "$_flow.destination"],
  tcp: ["$_flow.l4.TCP", "$TCP{}"],
  wrapped: ["$_flow.is_reply", "$m.single_bool_wrapper", "$null"],
  wrappedInt: ["$m.single_int64_wrapper", "$m.single_int32_wrapper", "$null"],
  any: ["$_flow.extensions", "$m.single_any", "$null"],
};

const FORMS: Readonly<Record<ExprType, readonly string[]>> = {
  bool: [
    ...["<bool> && <bool>", "<bool> || <bool>", "!<bool>", "<bool> ? <bool> : <bool>"],
    ...[
      "<T> == <T>",
      "<T> != <T>",
      "<T> in [<T>, <T>]",
      "<T> in [<T>]",
      "<string> in <strings>",
      "<int> in <ints>",
    ],
    ...["<string> in <map>", "<int> in {<int>: <bool>}", "<uint> in {<uint>: <bool>}", "<int> in [1, 2, 3]"],
    ...["<uint> in [1u, 80u]", "<string> in ['a', 'é']", "<double> in [0.0, 1.5]"],
    ...["<O> < <O>", "<O> <= <O>", "<O> > <O>", "<O> >= <O>"],
    ...["<string>.startsWith(<string>)", "<string>.endsWith(<string>)", "<string>.contains(<string>)"],
    ...["<string>.matches(<string>)", "matches(<string>, '^[a-z]+$')", "bool(<string>)"],
    ...["<strings>.exists(#, <bool>)", "<strings>.all(#, <bool>)", "<strings>.exists_one(#, <bool>)"],
    ...["<map>.exists(#, <bool>)", "<ints>.all(%, <bool>)", "[<int>, <int>].exists(%, <bool>)"],
    ...["<wrapped> == null", "null != <wrappedInt>", "<wrapped> == <bool>", "<wrappedInt> == <int>"],
    ...["<int> == <wrappedInt>", "<any> == null", "<wrapped> || <bool>", "<wrapped> ? <bool> : <bool>"],
    ...["has(<endpoint>.labels)", "has(<tcp>.flags)", "type(<T>) == type(<T>)", "type(<int>) == int"],
    ...["{'a': <bool>}['a']", "[<bool>, <wrapped>][<int>]", "has({'a': <T>}.a)", "<T> == <any>"],
  ],
  int: [
    ...["<int> + <int>", "<int> - <int>", "<int> * <int>", "<int> / <int>", "<int> % <int>", "-(<int>)"],
    ...["size(<string>)", "<strings>.size()", "<map>.size()", "size(<bytes>)", "size(<ints>)"],
    ...["int(<uint>)", "int(<double>)", "int(<string>)", "int(<timestamp>)", "int(<int>)", "int(<duration>)"],
    ...["<timestamp>.getHours()", "<timestamp>.getDayOfYear('America/New_York')", "<duration>.getSeconds()"],
    ...["<timestamp>.getMilliseconds('+01:30')", "<bool> ? <int> : <int>", "<ints>[<int>]", "<wrappedInt>"],
    ...[
      "{<int>: <int>}[<int>]",
      "[<int>, <int>][<int>]",
      "<timestamp>.getFullYear()",
      "<duration>.getHours()",
    ],
  ],
  uint: [
    ...["<uint> + <uint>", "<uint> - <uint>", "<uint> * <uint>", "<uint> / <uint>", "<uint> % <uint>"],
    ...["uint(<int>)", "uint(<double>)", "uint(<string>)", "<tcp>.source_port", "<bool> ? <uint> : <uint>"],
    ...["[<uint>, <uint>][<int>]", "uint(<uint>)"],
  ],
  double: [
    ...[
      "<double> + <double>",
      "<double> - <double>",
      "<double> * <double>",
      "<double> / <double>",
      "-(<double>)",
    ],
    ...["double(<int>)", "double(<uint>)", "double(<string>)", "<bool> ? <double> : <double>"],
  ],
  string: [
    ...["<string> + <string>", "string(<int>)", "string(<uint>)", "string(<double>)", "string(<bool>)"],
    ...[
      "string(<timestamp>)",
      "string(<duration>)",
      "string(<bytes>)",
      "<strings>[<int>]",
      "<map>[<string>]",
    ],
    ...["<endpoint>.namespace", "<bool> ? <string> : <string>", "<endpoint>.workloads[0].kind"],
  ],
  bytes: ["<bytes> + <bytes>", "bytes(<string>)", "<bool> ? <bytes> : <bytes>"],
  timestamp: [
    ...["<timestamp> + <duration>", "<timestamp> - <duration>", "timestamp(<string>)", "timestamp(<int>)"],
    ...["<duration> + <timestamp>", "google.protobuf.Timestamp{seconds: <int>}"],
  ],
  duration: [
    ...[
      "<duration> + <duration>",
      "<duration> - <duration>",
      "<timestamp> - <timestamp>",
      "duration(<string>)",
    ],
    "google.protobuf.Duration{seconds: <int>}",
  ],
  strings: [
    ...[
      "[<string>, <string>]",
      "[]",
      "<strings> + <strings>",
      "<strings>.filter(#, <bool>)",
      "<endpoint>.labels",
    ],
    ...["<strings>.map(#, <string>)", "<ints>.map(%, <bool>, <string>)", "<bool> ? <strings> : <strings>"],
  ],
  ints: [
    ...[
      "[<int>, <int>]",
      "[<int>]",
      "<ints> + <ints>",
      "<strings>.map(#, <int>)",
      "<ints>.filter(%, <bool>)",
    ],
    "<strings>.map(#, <bool>, <int>)",
  ],
  map: ["{'a': <string>, 'b': <string>}", "{<string>: <string>}", "{}", "<bool> ? <map> : <map>"],
  endpoint: ["Endpoint{labels: <strings>, ID: <uint>}", "flow.Endpoint{pod_name: <string>}"],
  tcp: ["TCP{source_port: <uint>}", ".flow.TCP{destination_port: <uint>, flags: TCPFlags{SYN: <bool>}}"],
  wrapped: ["Flow{is_reply: <wrapped>}.is_reply", "google.protobuf.BoolValue{value: <bool>}"],
  wrappedInt: ["google.protobuf.Int64Value{value: <int>}", "google.protobuf.Int32Value{value: <int>}"],
  any: ["google.protobuf.Value{string_value: <string>}", "Flow{extensions: <T>}.extensions", "<T>"],
};

/** What has an order. */
const ORDERED: readonly ExprType[] = [
  "bool",
  "int",
  "uint",
  "double",
  "string",
  "bytes",
  "timestamp",
  "duration",
];

/** Writes expressions by filling in forms. */
class Writer {
  readonly #pick: Pick;
  /** The variables of the macros around. */
  readonly #variables: { readonly name: string; readonly type: ExprType }[] = [];

  constructor(pick: Pick) {
    this.#pick = pick;
  }

  write(type: ExprType, depth: number): string {
    const variables = this.#variables.filter((one) => one.type === type);
    if (variables.length > 0 && this.#pick(2) === 0) return mark(this.#oneOf(variables).name);
    if (depth <= 0) return this.#leaf(type);
    const form = this.#oneOf([...FORMS[type], ...LEAF_FORMS[type].slice(0, 2)]);
    return `(${this.#fill(markLeaves(form), depth)})`;
  }

  #leaf(type: ExprType): string {
    const forms = LEAF_FORMS[type];
    return markLeaves(this.#oneOf(forms));
  }

  #fill(form: string, depth: number): string {
    const some = this.#oneOf(TYPES);
    const ordered = this.#oneOf(ORDERED);
    const variable = form.includes("#") ? "string" : form.includes("%") ? "int" : undefined;
    // A name in use is shadowed, `_flow` too.
    const name = this.#oneOf(["x", "y", "z", "_flow"]);
    const [range, ...body] = form.split(/(?<=[#%], )/);
    const fill = (text: string) =>
      text.replaceAll(/<(\w+)>/g, (_, type: string) =>
        this.write(type === "T" ? some : type === "O" ? ordered : (type as ExprType), depth - 1),
      );
    const filled = fill(range!).replace(/[#%](?=, $)/, name);
    if (variable === undefined) return filled;
    this.#variables.push({ name, type: variable });
    const rest = body.map(fill).join("");
    this.#variables.pop();
    return filled + rest;
  }

  #oneOf<T>(all: readonly T[]): T {
    return all[this.#pick(all.length)]!;
  }
}

function mark(leaf: string): string {
  return `${OPEN}${leaf}${CLOSE}`;
}

/** A name is the leaf of a chain of fields, a literal or a call of constants all of it. */
function markLeaves(form: string): string {
  return form.replaceAll(
    /\$(timestamp\('[^']*'\)|duration\('[^']*'\)|TCP\{\}|Verdict\.\w+|b?'[^']*'|[\w-]+(?:\.\d+)?)/g,
    (_, leaf: string) => mark(leaf),
  );
}

const WORDS = (
  "_flow m x . . . , , ( ) ( ) [ ] { } ? : ! - + * / % < <= > >= == != && || in true false null 0 1 1u 1.5 'a' b'a' " +
  "verdict l4 TCP UDP source labels destination_port is_reply time extensions Verdict DROPPED Flow Endpoint flow dyn size " +
  "type int uint double string bytes bool list map timestamp duration has all exists exists_one filter startsWith matches " +
  "contains getHours google.protobuf.Any single_int64 map_string_string repeated_int32 single_struct [0] .size() (x, x)"
).split(" ");
