/** Seconds of 0001-01-01T00:00:00Z and of 9999-12-31T23:59:59Z: the range of a `google.protobuf.Timestamp`. */
export const MIN_TIMESTAMP_SECONDS = -62_135_596_800;
export const MAX_TIMESTAMP_SECONDS = 253_402_300_799;
