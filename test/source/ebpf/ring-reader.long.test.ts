// With more rounds than `npm test` makes.
import "./ring-reader.test.js";
