//! The report as one page for a wall: nothing is fetched, nothing is stored, all foreign text is escaped.
//!
//! Without scripts it is whole; a script of a page's length adds the filters. Its content policy allows
//! that script and that style sheet by their hashes and nothing else, so that a page made of hostile
//! names and messages can do no more than show them.

mod detail;
mod matrix;
mod overview;
mod timeline;

use data_encoding::BASE64;
use maud::{DOCTYPE, PreEscaped, html};
use sha2::{Digest, Sha256};

use crate::report::model::Run;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The run as one self-contained HTML document.
pub fn write(run: &Run) -> String {
    let policy = format!(
        "default-src 'none'; style-src '{}'; script-src '{}'; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    );
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                title { "Conformance: " (overview::verdict(run)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    (overview::head(run))
                    (overview::filters(run))
                    (matrix::table(run))
                    h2 #details { "What happened" }
                    p.quiet {
                        "Times are those of the case's own clock. An arrow to the right is a request, one to the \
                         left its answer; no header, query or body is kept."
                    }
                    (detail::articles(run))
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}

/// A source of a content policy (CSP level 2, section 4.2.5).
fn hash(text: &str) -> String {
    format!("sha256-{}", BASE64.encode(&Sha256::digest(text)))
}

/// The name of the place on the page where a case of a provider is told.
fn anchor(provider: &str, case: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    provider.chars().map(plain).chain(['.']).chain(case.chars().map(plain)).collect()
}
