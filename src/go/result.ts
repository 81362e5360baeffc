/** The result of parsing a string, or the fault, with Go's error text where Go has one. */
export type Result<T, Fault = string> = { readonly value: T } | { readonly fault: Fault };
