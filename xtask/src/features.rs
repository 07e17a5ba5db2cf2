//! Every set of features that a user may pick compiles: none, each provider alone, all; and the command-line
//! tool as it is installed.
//!
//! The names are read from the manifests, so a new provider is covered without a change here.

use crate::workspace::{Package, cargo, members, succeed};
use crate::{Result, no_arguments, walls};

pub(crate) fn run(args: &[String]) -> Result<()> {
    no_arguments(args)?;
    let members = members()?;
    let facade = find(&members, "countersign")?;
    let client = find(&members, "countersign-reqwest")?;

    check(facade, &["--no-default-features"])?;
    for provider in walls::provider_crates(&members) {
        let feature = provider.trim_start_matches("countersign-");
        if !facade.features.contains_key(feature) {
            return Err(format!("the facade has no feature `{feature}` for {provider}").into());
        }
        check(facade, &["--no-default-features", "--features", feature])?;
    }
    check(facade, &["--all-features"])?;

    check(client, &["--no-default-features"])?;
    for feature in client.features.keys().filter(|name| chooses_tls(name)) {
        check(client, &["--no-default-features", "--features", feature])?;
    }

    // As it is installed, which no test is: they have the keyring too.
    check(find(&members, "countersign-cli")?, &[])
}

fn find<'a>(members: &'a [Package], name: &str) -> Result<&'a Package> {
    let found = members.iter().find(|package| package.name == name);
    Ok(found.ok_or_else(|| format!("the workspace has no package {name}"))?)
}

fn chooses_tls(feature: &str) -> bool {
    feature.contains("tls")
}

fn check(package: &Package, args: &[&str]) -> Result<()> {
    println!("{} {}", package.name, args.join(" "));
    succeed(cargo().args(["check", "--quiet", "--package", &package.name]).args(args))
}
