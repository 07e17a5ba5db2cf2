//! Disks that are full, limited, read-only, gone or damaged, and a clock that is set back: nothing is lost,
//! and whoever is hindered is told the remedy (F09, F17, F30).

mod damage;
mod set_back;
mod trace;
mod writes;

use super::{Cx, End, Failure};
use crate::findings::Findings;

pub(crate) async fn run(cx: Cx) -> Result<End, Failure> {
    let mut findings = Findings::default();
    writes::run(&mut findings).await?;
    damage::run(cx, &mut findings).await?;
    set_back::run(&mut findings).await?;
    trace::run(&mut findings).await?;
    Ok(End::Findings(findings))
}
