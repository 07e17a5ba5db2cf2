//! The command-line tool countersign

fn main() {}
