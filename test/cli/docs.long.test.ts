// All sessions of the page as processes, of which `npm test` runs most in its own.
import "./docs.test.js";
