//! When Countersign acts: windows, jitter, back-off, budgets, circuits and one queue, as pure arithmetic
