// All formats, of which `npm test` writes one in 3 to a file that may not grow.
import "./disk-full.test.js";
