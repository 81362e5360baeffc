// Compares all recorded lines, of which `npm test` samples a part.
import "./syntax-1.19.test.js";
