//! The diagram of `docs/SESSION.md`: written from the edges that the walk has met, and compared.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use countersign_core::session::Status;

const BEGIN: &str = "<!-- walk: begin -->";
const END: &str = "<!-- walk: end -->";

/// Fails if the page shows other edges than `edges`. With `COUNTERSIGN_WRITE_DOCS=1` it writes them.
pub(crate) fn compare(edges: &BTreeSet<(Status, &'static str, Status)>) {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/SESSION.md");
    let text = std::fs::read_to_string(&page).expect("docs/SESSION.md is there");
    let (head, rest) = text.split_once(BEGIN).expect("the page has a place for the diagram");
    let (_, tail) = rest.split_once(END).expect("the place has an end");
    let wanted = format!("{head}{BEGIN}\n{}{END}{tail}", draw(edges));
    if std::env::var_os("COUNTERSIGN_WRITE_DOCS").is_some() {
        std::fs::write(&page, wanted).expect("docs/SESSION.md can be written");
        return;
    }
    assert!(
        text == wanted,
        "docs/SESSION.md shows other edges than the machine has; run \
         `COUNTERSIGN_WRITE_DOCS=1 cargo test -p countersign-core --test walk --release`"
    );
}

/// A Mermaid state diagram: one arrow for each pair of states, labelled with the events.
fn draw(edges: &BTreeSet<(Status, &'static str, Status)>) -> String {
    let mut arrows = std::collections::BTreeMap::<(Status, Status), BTreeSet<&str>>::new();
    for (from, event, to) in edges.iter().filter(|(from, _, to)| from != to) {
        arrows.entry((*from, *to)).or_default().insert(event);
    }
    let mut text = String::from("```mermaid\nstateDiagram-v2\n    [*] --> signed_out\n");
    for ((from, to), events) in arrows {
        let events: Vec<_> = events.into_iter().collect();
        writeln!(text, "    {} --> {}: {}", from.as_str(), to.as_str(), events.join(", "))
            .expect("a string takes everything");
    }
    text.push_str("```\n");
    text
}
