//! Countersign adapter for Wikimedia Enterprise
