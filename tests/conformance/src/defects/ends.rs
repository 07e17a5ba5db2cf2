//! Defects over which a case comes to no end of its own, and why no check can be there first.

use countersign_conformance::How;

/// How the case that names a defect ends over it.
pub(crate) struct End {
    /// The defect.
    pub(crate) defect: &'static str,
    /// How.
    pub(crate) how: How,
    /// Why it cannot be a check.
    pub(crate) why: &'static str,
}

/// All of them.
pub(crate) const ENDS: &[End] = &[];
