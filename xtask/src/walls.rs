//! The walls: what each crate may reach, and how many crates of others it brings along.
//!
//! `cargo tree` is asked for normal edges with every feature on; a name is compared whole, so
//! that `countersign-reqwest` is not `reqwest`.

use std::collections::BTreeSet;

use serde_json::json;

use crate::Result;
use crate::workspace::{self, Package, cargo, members, output};

/// What the pure crates never reach: a runtime, a client, TLS.
const IO: &[&str] = &["tokio", "reqwest", "hyper", "rustls"];
/// What the transport over hyper is there to do without.
const NO_PART_OF_HYPER: &[&str] = &["countersign-reqwest", "reqwest", "rustls", "native-tls"];
/// What is there to prove things and never ships inside a user's program.
const PROOF: &[&str] = &["countersign-simulator", "countersign-conformance"];

/// Adapters from elsewhere run the suite: unless they ask for it by feature, it brings no client and no
/// simulator of ours along.
const NO_PART_OF_THE_SUITE: &[&str] = &["countersign-simulator", "reqwest", "hyper", "rustls"];

/// Crates of others at most: the core, a provider with the core, the facade with one provider.
const MOST_IN_CORE: usize = 34;
const MOST_IN_PROVIDER: usize = 40;
const MOST_IN_FACADE: usize = 60;

/// One crate of a tree.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Node {
    name: String,
    version: String,
    ours: bool,
}

pub(crate) fn run(args: &[String]) -> Result<()> {
    match args {
        [] => {}
        [format, json] if format == "--format" && json == "json" => return print_counts(),
        _ => return Err("usage: cargo xtask walls [--format json]".into()),
    }
    let members = members()?;
    let providers = provider_crates(&members);
    let mut broken = Vec::new();

    let mut pure = vec!["countersign-core".to_owned(), "countersign-scheduler".to_owned()];
    pure.extend(providers.iter().cloned());
    let shipped =
        members.iter().filter(|package| is_shipped(package)).map(|package| package.name.clone());

    for name in &pure {
        broken.extend(reached(name, IO)?);
    }
    broken.extend(reached("countersign-hyper", NO_PART_OF_HYPER)?);
    for name in shipped {
        broken.extend(reached(&name, PROOF)?);
    }
    let adapters: Vec<&str> = providers.iter().map(String::as_str).collect();
    broken.extend(reached("countersign-simulator", &adapters)?);
    broken.extend(reached("countersign-conformance", &adapters)?);
    let bare = tree("countersign-conformance", &["--no-default-features"])?;
    broken.extend(among(&bare, "countersign-conformance", NO_PART_OF_THE_SUITE));

    println!(
        "crates of others; core and providers with every feature on, the facade without a client:"
    );
    for Count { name, count, most } in counts(&members)? {
        println!("  {name:<32} {count:>3} of at most {most}");
        if count > most {
            broken.push(format!("{name} brings {count} crates of others, more than {most}"));
        }
    }

    if broken.is_empty() {
        println!("walls: all stand");
        Ok(())
    } else {
        Err(format!("\n  {}", broken.join("\n  ")).into())
    }
}

/// The names of the crates under `crates/providers`.
pub(crate) fn provider_crates(members: &[Package]) -> Vec<String> {
    let folder = workspace::root().join("crates/providers");
    members
        .iter()
        .filter(|package| package.dir.starts_with(&folder))
        .map(|package| package.name.clone())
        .collect()
}

/// Whether users get this crate inside their program: the facade, the runtime, the stores.
fn is_shipped(package: &Package) -> bool {
    package.name == "countersign"
        || package.name == "countersign-runtime"
        || package.dir.starts_with(workspace::root().join("crates/stores"))
}

fn reached(package: &str, forbidden: &[&str]) -> Result<Vec<String>> {
    Ok(among(&tree(package, &["--all-features"])?, package, forbidden))
}

fn among<'a>(
    tree: impl IntoIterator<Item = &'a Node>,
    package: &str,
    forbidden: &[&str],
) -> Vec<String> {
    tree.into_iter()
        .filter(|node| forbidden.contains(&node.name.as_str()))
        .map(|node| format!("{package} reaches {} {}", node.name, node.version))
        .collect()
}

/// Crates of others in one tree that has a limit.
struct Count {
    name: String,
    count: usize,
    most: usize,
}

/// Every tree that has a limit.
fn counts(members: &[Package]) -> Result<Vec<Count>> {
    let providers = provider_crates(members);
    let mut counts = vec![counted("countersign-core", &["--all-features"], MOST_IN_CORE)?];
    for name in &providers {
        counts.push(counted(name, &["--all-features"], MOST_IN_PROVIDER)?);
    }
    let facade = members.iter().find(|package| package.name == "countersign");
    for provider in &providers {
        let feature = provider.trim_start_matches("countersign-");
        if !facade.is_some_and(|facade| facade.features.contains_key(feature)) {
            return Err(format!("the facade has no feature `{feature}`").into());
        }
        let args = ["--no-default-features", "--features", feature];
        counts.push(counted("countersign", &args, MOST_IN_FACADE)?);
    }
    Ok(counts)
}

/// The counts alone, for `cargo xtask bench` (row W5b).
fn print_counts() -> Result<()> {
    let counts = counts(&members()?)?;
    let list: Vec<_> = counts
        .iter()
        .map(|Count { name, count, most }| json!({ "name": name, "count": count, "most": most }))
        .collect();
    println!("{}", serde_json::to_string(&list)?);
    Ok(())
}

fn counted(package: &str, args: &[&str], most: usize) -> Result<Count> {
    let count = tree(package, args)?.iter().filter(|node| !node.ours).count();
    let features = args.last().filter(|last| !last.starts_with('-'));
    let name = features.map_or(package.to_owned(), |feature| format!("{package} with {feature}"));
    Ok(Count { name, count, most })
}

/// All that a package reaches by normal edges, without the package itself.
fn tree(package: &str, args: &[&str]) -> Result<BTreeSet<Node>> {
    let text = output(
        cargo()
            .args(["tree", "--package", package, "--edges", "normal", "--prefix", "none"])
            .args(["--no-dedupe", "--format", "{p}"])
            .args(args),
    )?;
    Ok(text.lines().filter_map(parse_node).filter(|node| node.name != package).collect())
}

/// Reads `name v1.2.3`, with ` (path)` after it for a crate of this workspace.
fn parse_node(line: &str) -> Option<Node> {
    let mut words = line.split_whitespace();
    let name = words.next()?.to_owned();
    let version = words.next()?.strip_prefix('v')?.to_owned();
    let ours = words
        .any(|word| word.starts_with("(/") || word.starts_with("(file:") || word.contains(":\\"));
    Some(Node { name, version, ours })
}

#[cfg(test)]
mod tests {
    use super::{Node, parse_node};

    fn node(name: &str, version: &str, ours: bool) -> Node {
        Node { name: name.into(), version: version.into(), ours }
    }

    #[test]
    fn names_are_read_whole() {
        assert_eq!(
            parse_node("countersign-reqwest v0.1.0 (/src/crates/reqwest)"),
            Some(node("countersign-reqwest", "0.1.0", true))
        );
        assert_eq!(parse_node("reqwest v0.13.1"), Some(node("reqwest", "0.13.1", false)));
        assert_eq!(
            parse_node("serde_derive v1.0.229 (proc-macro)"),
            Some(node("serde_derive", "1.0.229", false))
        );
        assert_eq!(parse_node(""), None);
    }
}
