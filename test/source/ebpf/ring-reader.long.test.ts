// With more rounds than in `npm test`.
import "./ring-reader.test.js";
