//! Countersign adapter for IGNY8: enveloped Django API with JWTs
