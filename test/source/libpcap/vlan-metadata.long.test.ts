// More frames and filters than `npm test`.
import "./vlan-metadata.test.js";
