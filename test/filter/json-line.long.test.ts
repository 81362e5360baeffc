// All answers and runs, of which `npm test` compares a part.
import "./json-line.test.js";
