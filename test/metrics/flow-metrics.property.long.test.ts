// All runs, of which `npm test` does a part.
import "./flow-metrics.property.test.js";
