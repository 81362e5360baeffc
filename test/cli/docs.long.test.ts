// Runs all sessions of the page as processes; `npm test` runs most of them in its own process.
import "./docs.test.js";
