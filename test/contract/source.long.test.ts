// Captures in chunks that are smaller than a record header.
import "./source.test.js";
