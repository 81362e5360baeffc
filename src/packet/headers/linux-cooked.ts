// Linux cooked capture. Version 1: https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL.html, version 2:
// https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL2.html. Both contain the EtherType of the payload.

export const SLL_PROTOCOL = 14;
export const SLL_LENGTH = 16;

export const SLL2_PROTOCOL = 0;
/** The kernel's index of the interface, 32 bits. */
export const SLL2_INTERFACE_INDEX = 4;
export const SLL2_LENGTH = 20;
