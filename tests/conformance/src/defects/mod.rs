//! Defects, one at a time: each breaks adapter or engine at a seam that the driver already takes, and
//! the case that it names must catch it.

mod believing;
mod breaking_off;
mod carrying;
mod claiming;
mod classifying;
mod clocks;
mod cognito;
mod deciding;
mod doubting;
mod ends;
mod hanging;
mod ibanera;
mod ibex;
mod igny8;
mod keeping;
mod lingering;
mod living;
mod locking;
mod mingling;
mod paging;
mod presenting;
mod proving;
mod reading;
mod remembering;
mod resending;
pub(crate) mod seams;
mod simple;
mod storing;
mod telling;
mod times;
mod unpadded;
mod wikimedia;

use std::sync::Arc;

use countersign_conformance::Engine;

pub(crate) use self::ends::ENDS;

/// One thing that is broken.
#[derive(Clone, Copy)]
pub(crate) struct Defect {
    /// Unique and stable.
    pub(crate) id: &'static str,
    /// What is wrong, as a sentence.
    pub(crate) title: &'static str,
    /// The target that shows it.
    pub(crate) target: &'static str,
    /// The case that must catch it.
    pub(crate) caught_by: &'static str,
    /// The engine that has it.
    pub(crate) engine: fn() -> Arc<dyn Engine>,
}

/// Every defect.
pub(crate) fn all() -> Vec<Defect> {
    let mut all = Vec::new();
    all.extend(believing::DEFECTS);
    all.extend(breaking_off::DEFECTS);
    all.extend(carrying::DEFECTS);
    all.extend(claiming::DEFECTS);
    all.extend(classifying::DEFECTS);
    all.extend(clocks::DEFECTS);
    all.extend(cognito::DEFECTS);
    all.extend(deciding::DEFECTS);
    all.extend(doubting::DEFECTS);
    all.extend(hanging::DEFECTS);
    all.extend(ibanera::DEFECTS);
    all.extend(ibex::DEFECTS);
    all.extend(igny8::DEFECTS);
    all.extend(keeping::DEFECTS);
    all.extend(lingering::DEFECTS);
    all.extend(living::DEFECTS);
    all.extend(locking::DEFECTS);
    all.extend(mingling::DEFECTS);
    all.extend(paging::DEFECTS);
    all.extend(presenting::DEFECTS);
    all.extend(proving::DEFECTS);
    all.extend(reading::DEFECTS);
    all.extend(remembering::DEFECTS);
    all.extend(resending::DEFECTS);
    all.extend(storing::DEFECTS);
    all.extend(telling::DEFECTS);
    all.extend(times::DEFECTS);
    all.extend(unpadded::DEFECTS);
    all.extend(wikimedia::DEFECTS);
    all
}
