//! Countersign sessions in files: many processes, one machine
