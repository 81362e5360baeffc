import type { HubbleRules } from "../../hubble/rules.js";

/*
 * The validation rules and error texts for keys and values of selectors, from Kubernetes' apimachinery:
 * https://pkg.go.dev/k8s.io/apimachinery/pkg/util/validation
 */

/** The wording of error texts, which differs between versions of Hubble. */
export type LabelFaultWording = HubbleRules["labelFaults"];

/** The name of a key in the fault of a key with two slashes. */
const KEY_WORDS: { readonly [K in LabelFaultWording]: string } = {
  characters: "a qualified name",
  bytes: "a valid label key",
};

const NAME_LENGTH = 63;
const SUBDOMAIN_LENGTH = 253;

const NAME = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const VALUE = `(${NAME})?`;
const SUBDOMAIN_PART = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const SUBDOMAIN = `${SUBDOMAIN_PART}(\\.${SUBDOMAIN_PART})*`;

const ALPHANUMERIC =
  "consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

const NAME_FAULT = `must ${ALPHANUMERIC} (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '${NAME}')`;
const VALUE_FAULT = `a valid label must be an empty string or ${ALPHANUMERIC} (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '${VALUE}')`;
const SUBDOMAIN_FAULT = `a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '${SUBDOMAIN}')`;

const WHOLE_NAME = new RegExp(`^${NAME}$`);
const WHOLE_SUBDOMAIN = new RegExp(`^${SUBDOMAIN}$`);

/** Returns the faults of a key; empty if it is a name, optionally preceded by a DNS subdomain and a slash. */
export function qualifiedNameFaults(text: string, wording: LabelFaultWording): string[] {
  const parts = text.split("/", 3);
  if (parts.length > 2) {
    return [
      `${KEY_WORDS[wording]} ${NAME_FAULT} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  const faults: string[] = [];
  if (parts.length === 2) {
    const prefix = parts[0]!;
    if (prefix === "") faults.push("prefix part must be non-empty");
    else for (const fault of subdomainFaults(prefix, wording)) faults.push(`prefix part ${fault}`);
  }
  const name = parts.at(-1)!;
  if (name === "") faults.push("name part must be non-empty");
  else if (isLonger(name, NAME_LENGTH)) faults.push(`name part ${tooLong(NAME_LENGTH, wording)}`);
  if (!WHOLE_NAME.test(name)) faults.push(`name part ${NAME_FAULT}`);
  return faults;
}

/** Returns the faults of a label value; empty if it is valid. */
export function labelValueFaults(text: string, wording: LabelFaultWording): string[] {
  const faults: string[] = [];
  if (isLonger(text, NAME_LENGTH)) faults.push(tooLong(NAME_LENGTH, wording));
  if (text !== "" && !WHOLE_NAME.test(text)) faults.push(VALUE_FAULT);
  return faults;
}

function subdomainFaults(text: string, wording: LabelFaultWording): string[] {
  const faults: string[] = [];
  if (isLonger(text, SUBDOMAIN_LENGTH)) faults.push(tooLong(SUBDOMAIN_LENGTH, wording));
  if (!WHOLE_SUBDOMAIN.test(text)) faults.push(SUBDOMAIN_FAULT);
  return faults;
}

function tooLong(length: number, unit: LabelFaultWording): string {
  return `must be no more than ${length} ${unit}`;
}

/**
 * Whether the string has more than `bytes` bytes in UTF-8. All versions of Hubble count
 * bytes, although the error text of 1.16 says characters.
 */
function isLonger(text: string, bytes: number): boolean {
  let count = text.length;
  if (count > bytes) return true;
  // A surrogate pair has two code units and four bytes, so two bytes per unit.
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code >= 0x80) count += code < 0x800 || (code >= 0xd800 && code <= 0xdfff) ? 1 : 2;
  }
  return count > bytes;
}
