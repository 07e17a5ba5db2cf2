//! Every provider of Countersign as a local server with real state, and faults on demand
