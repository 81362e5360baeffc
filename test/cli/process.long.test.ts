// All signals, of which `npm test` sends a part.
import "./process.test.js";
