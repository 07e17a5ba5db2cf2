//! Disks that are full, limited, read-only, gone or damaged, and a clock that is set back: nothing is lost,
//! and whoever is hindered is told the remedy (F09, F17, F30).

mod damage;
mod set_back;
mod trace;
mod writes;

use super::{Cx, End, Failure};
use crate::findings::Findings;

pub(crate) async fn run(cx: Cx) -> Result<End, Failure> {
    // Each has folders and processes of its own, and mostly waits.
    let [mut findings, mut damaged, mut set_back, mut traced] =
        [(); 4].map(|()| Findings::default());
    tokio::try_join!(
        writes::run(&mut findings),
        damage::run(cx, &mut damaged),
        set_back::run(&mut set_back),
        trace::run(&mut traced),
    )?;
    for further in [damaged, set_back, traced] {
        findings.append(further);
    }
    Ok(End::Findings(findings))
}
