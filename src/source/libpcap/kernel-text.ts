/**
 * Maximum number of filters that are compiled for the kernel: the combinations of a FlowFilter, and those for encapsulated
 * packets. Longer lists are left to the predicate alone.
 */
const MAX_KERNEL_FILTERS = 80;
/** Maximum length of the text of such filters: libpcap optimizes it on this thread, in cubic time, 400 ms at most. */
const MAX_KERNEL_TEXT_LENGTH = 20_000;

/** The pcap-filter text that selects packets in the kernel, or why the kernel selects every packet. */
export type KernelText = { readonly text: string } | { readonly reason: string };

/**
 * Formats filters for the kernel, within the limits of libpcap.
 *
 * @param format Returns undefined if pcap-filter cannot test packets of the link type.
 */
export function kernelText(count: number, format: () => string | undefined): KernelText {
  if (count > MAX_KERNEL_FILTERS) {
    return { reason: `${count} combinations exceed the limit of libpcap: ${MAX_KERNEL_FILTERS}` };
  }
  const text = format();
  if (text === undefined) return { reason: "pcap-filter cannot test packets of this link type" };
  if (text.length > MAX_KERNEL_TEXT_LENGTH) {
    return {
      reason: `its ${text.length} characters exceed the limit of libpcap: ${MAX_KERNEL_TEXT_LENGTH}`,
    };
  }
  return { text };
}
