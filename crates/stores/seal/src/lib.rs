//! One sealed, versioned record format for every Countersign store
