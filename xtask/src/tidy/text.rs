//! Any text file: line ends, spaces at the end of a line, names that belong to one machine.

use super::{File, Finding, numbered};

/// Folders of a machine, in parts so that this file does not find itself.
const MACHINE: &[&str] = &[concat!("/wo", "rk/"), concat!("/tm", "p/t-"), concat!("/ro", "ot/")];

/// Hosts of package registries: which one is used is the reader's setting, not ours.
const REGISTRIES: &[&str] = &[
    concat!("index.crates", ".io"),
    concat!("static.crates", ".io"),
    concat!("//crates", ".io"),
    concat!("pypi", ".org"),
    concat!("files.pythonhosted", ".org"),
    concat!("registry.npmjs", ".org"),
    concat!("npmjs", ".com"),
    concat!("deb.debian", ".org"),
    concat!("proxy.golang", ".org"),
];

pub(super) fn check(file: &File, findings: &mut Vec<Finding>) {
    let Some(text) = &file.text else { return };
    // A fixture holds the bytes of a wire, whatever they are.
    let form_is_ours = !file.path.starts_with("tests/fixtures/");
    for (number, line) in text.split('\n').enumerate().map(|(index, line)| (index + 1, line)) {
        let mut found = |what: String| findings.push(Finding::new(&file.path, number, what));
        if form_is_ours && line.ends_with('\r') {
            found("the line ends with CR LF; LF alone is used here".into());
        } else if form_is_ours && line.ends_with([' ', '\t']) {
            found("space at the end of the line".into());
        }
        for name in MACHINE.iter().filter(|name| line.contains(**name)) {
            found(format!("`{name}` is a path of one machine"));
        }
        for host in REGISTRIES.iter().filter(|host| line.contains(**host)) {
            found(format!("`{host}` is the host of a registry; name the package alone"));
        }
    }
    if form_is_ours && !text.is_empty() && !text.ends_with('\n') {
        let last = numbered(text).count();
        findings.push(Finding::new(&file.path, last, "the last line has no end"));
    }
}
