// All signals, of which `npm test` sends a third.
import "./process.test.js";
