// All runs of the property, 100,000 pairs of filters and packets, and all packets of the captures.
import "./flow-selection.test.js";
