//! One file per command.

pub(crate) mod doctor;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod mfa;
pub(crate) mod otp;
pub(crate) mod password;
pub(crate) mod refresh;
pub(crate) mod register;
pub(crate) mod request;
pub(crate) mod sessions;
pub(crate) mod simulate;
pub(crate) mod status;
pub(crate) mod token;
