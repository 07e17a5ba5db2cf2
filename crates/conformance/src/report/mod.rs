//! What a run has shown, as data and as text.

#[cfg(feature = "html")]
pub mod html;
pub mod json;
#[cfg(feature = "junit")]
pub mod junit;
pub mod model;
pub mod table;
mod text;
