import { expect, test } from "vitest";
import { conformanceTests, fault, run } from "../support/cel-conformance.js";

/** What is not as the suite has it, by the reason: each is also what cel-go v0.20.1 does, and so Hubble. */
const KNOWN_MISSES: ReadonlyMap<string, readonly string[]> = new Map([
  [
    "names between backticks are younger than cel-go v0.20.1",
    [
      ...under("fields/quoted_map_fields", [
        "field_access_slash field_access_dash field_access_dot has_field_slash has_field_dash has_field_dot",
      ]),
      ...under("proto2/quoted_fields", ["set_field_with_quoted_name get_field_with_quoted_name"]),
      ...under("proto3/quoted_fields", ["set_field get_field"]),
      ...["proto2/extensions_has", "proto2/extensions_get"].flatMap((suite) =>
        under(suite, [
          "package_scoped_int32 package_scoped_nested_ext package_scoped_test_all_types_ext",
          "package_scoped_test_all_types_nested_enum_ext package_scoped_repeated_test_all_types",
          "message_scoped_int64 message_scoped_nested_ext message_scoped_nested_enum_ext",
          "message_scoped_repeated_test_all_types",
        ]),
      ),
    ],
  ],
  [
    "enums are ints: enums with a type of their own are a plan of the specification, which cel-go does not follow",
    [
      ...under("enums/strong_proto2", [
        "type_global type_nested field_type assign_standalone_int",
        "convert_int_inrange convert_int_big convert_int_neg convert_string",
      ]),
      ...under("enums/strong_proto3", [
        "type_global type_nested field_type",
        "assign_standalone_int assign_standalone_int_big assign_standalone_int_neg",
        "convert_int_inrange convert_int_big convert_int_neg convert_string",
      ]),
    ],
  ],
  [
    "cel-go gives all of a duration in milliseconds, not the part below a second",
    under("timestamps/duration_converters", ["get_milliseconds"]),
  ],
  [
    "optional values are an extension",
    [
      ...under("type_deductions/flexible_type_parameter_assignment", [
        "optional_none optional_none_2 optional_dyn_promotion optional_dyn_promotion_2 optional_in_ternary",
      ]),
      ...under("type_deductions/legacy_nullable_types", ["null_assignable_to_abstract_parameter_candidate"]),
    ],
  ],
  [
    "to cel-go's checker a wrapper is what it wraps, so that the first element decides",
    under("type_deductions/wrappers", ["wrapper_promotion_2"]),
  ],
]);

function under(suite: string, lines: readonly string[]): string[] {
  return lines.flatMap((line) => line.split(" ")).map((name) => `${suite}/${name}`);
}

const tests = conformanceTests();
const outcomes = tests.map(({ name, test: one }) => ({ name, why: fault(one, run(one)) }));
const misses = [...KNOWN_MISSES.values()].flat();

test("conformance: has the known suites", () => {
  expect(tests).toHaveLength(1756);
  expect(misses).toHaveLength(54);
});

test("conformance: all other results are those of the suite", () => {
  expect(outcomes.filter(({ name, why }) => why !== undefined && !misses.includes(name))).toEqual([]);
});

test.each([...KNOWN_MISSES])("%s", (_reason, names) => {
  const missed = outcomes.filter(({ why }) => why !== undefined).map(({ name }) => name);
  expect(names.filter((name) => !missed.includes(name))).toEqual([]);
});
