//! Countersign adapter for Ibanera: password and TOTP, a code on every request
