/** What a string was parsed as, or why it cannot be; the fault is in the words of Go's error where Go has one. */
export type Result<T, Fault = string> = { readonly value: T } | { readonly fault: Fault };
