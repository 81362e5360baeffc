/** Maximum length in bytes of a block that is read into memory as a whole; more for link types with longer packets. */
export const MAX_BLOCK_BYTES = 16 * 1024 * 1024;
/** Maximum number of interfaces in a capture, over all its sections: each uses memory while the capture is read. */
export const MAX_INTERFACES = 65_536;
/** Maximum total length in bytes of all interface descriptions. */
export const MAX_DESCRIPTION_BYTES = 64 * 1024 * 1024;
/** Allowance for the options of a packet with the maximum captured length. */
export const MAX_OPTIONS_BYTES = 128 * 1024;
