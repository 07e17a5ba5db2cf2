//! The command line as it is shipped: built by the profile `dist`, with the functions that it needs often beside one
//! another.
//!
//! The system reads a program in pieces of 64 KiB around each page that is touched. What `countersign token` runs is
//! a tenth of the program and lies all over it, so most of it would be in memory. valgrind says which functions run,
//! and the linker (lld) puts them together: docs/PERFORMANCE.md has what that brings.

use std::collections::HashSet;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Result;
use crate::server::Server;
use crate::workspace::{cargo, find_program, succeed, target_dir};

/// What is run to see which functions that takes: a session's life.
const COMMANDS: [&[&str]; 6] =
    [&["login"], &["token"], &["status"], &["sessions", "list"], &["refresh"], &["logout"]];

pub(crate) fn run(args: &[String]) -> Result<()> {
    let features = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => "",
        ["--features", list] => list,
        _ => return Err("usage: cargo xtask dist [--features LIST]".into()),
    };
    println!("{}", build(features)?.display());
    Ok(())
}

/// Builds the program with `features`, and answers where it is. Where it cannot be traced it has no order, which is
/// told.
pub(crate) fn build(features: &str) -> Result<PathBuf> {
    if !cfg!(target_os = "linux") {
        println!("left out: functions beside one another, which are found out on Linux alone");
        return compile(features, None);
    }
    let Some(valgrind) = find_program("valgrind") else {
        println!("left out: functions beside one another: valgrind is missing (Debian: valgrind)");
        return compile(features, None);
    };
    let folder = target_dir()?.join("xtask/dist");
    fs::create_dir_all(&folder)?;
    let last = Order::last(&folder)?;
    let program = compile(features, last.as_ref())?;
    let functions = trace(&valgrind, &program, &folder)?;
    if last.is_some_and(|last| last.still_fits(&functions)) {
        return Ok(program);
    }
    compile(features, Some(&Order::write(&folder, functions)?))
}

/// The functions in the order in which the linker puts them, by their names in the program.
struct Order {
    /// A file with another name for each order: cargo looks at names alone.
    file: PathBuf,
    functions: Vec<String>,
}

impl Order {
    /// That of the build before.
    fn last(folder: &Path) -> Result<Option<Self>> {
        for entry in fs::read_dir(folder)? {
            let file = entry?.path();
            if file.extension().is_some_and(|extension| extension == "order") {
                let functions = fs::read_to_string(&file)?.lines().map(str::to_owned).collect();
                return Ok(Some(Self { file, functions }));
            }
        }
        Ok(None)
    }

    fn write(folder: &Path, functions: Vec<String>) -> Result<Self> {
        if let Some(last) = Self::last(folder)? {
            fs::remove_file(last.file)?;
        }
        let mut hasher = DefaultHasher::new();
        functions.hash(&mut hasher);
        let file = folder.join(format!("{:016x}.order", hasher.finish()));
        fs::write(&file, functions.join("\n") + "\n")?;
        Ok(Self { file, functions })
    }

    /// Whether it has what runs now, but for a hundredth: two runs are never quite alike.
    fn still_fits(&self, functions: &[String]) -> bool {
        let known: HashSet<&String> = self.functions.iter().collect();
        let missing = functions.iter().filter(|function| !known.contains(function)).count();
        missing * 100 <= functions.len()
    }
}

fn compile(features: &str, order: Option<&Order>) -> Result<PathBuf> {
    let mut build = cargo();
    build.args(["rustc", "--quiet", "--locked", "--profile", "dist"]);
    build.args(["--package", "countersign-cli", "--bin", "countersign", "--features", features]);
    if let Some(order) = order {
        let file = format!("link-arg=-Wl,--symbol-ordering-file={}", order.file.display());
        // The linker that reads such a file, also where rustc takes another one. A function that is gone is none to
        // be told of.
        build.args(["--", "-C", "link-arg=-fuse-ld=lld", "-C", &file]);
        build.args(["-C", "link-arg=-Wl,--no-warn-symbol-ordering"]);
    }
    succeed(&mut build).map_err(|error| match order {
        Some(_) => format!(
            "{error}; if the linker is missing (Debian: lld), the program without an order is built by `cargo build \
             --package countersign-cli --profile dist`"
        )
        .into(),
        None => error,
    })?;
    let name = format!("countersign{}", std::env::consts::EXE_SUFFIX);
    Ok(target_dir()?.join("dist").join(name))
}

/// The functions that the commands run. Those of the command that needs fewest come first, so that it touches least.
fn trace(valgrind: &Path, program: &Path, folder: &Path) -> Result<Vec<String>> {
    let home = folder.join("home");
    if home.exists() {
        fs::remove_dir_all(&home)?;
    }
    fs::create_dir(&home)?;
    let mut provider = Command::new(program);
    provider.args(["simulate", "ibex", "--until-eof"]);
    let provider = Server::start("simulate", &mut provider, folder, "PASSWORD")?;
    let config = home.join("config.toml");
    let profile = format!(
        "[profiles.hub]\nprovider = \"ibex\"\nbase_url = \"{}\"\nidentity = \"{}\"\npassword = \"env:HUB_PASSWORD\"\n",
        provider.value("URL")?,
        provider.value("IDENTITY")?,
    );
    fs::write(&config, profile)?;
    let mut runs = Vec::new();
    for words in COMMANDS {
        let seen = home.join("callgrind");
        let mut command = Command::new(valgrind);
        command.args(["--tool=callgrind", "--quiet", "--demangle=no"]);
        command.arg(format!("--callgrind-out-file={}", seen.display()));
        command.arg(program).args(words);
        command.env_clear().env("HOME", &home).env("HUB_PASSWORD", provider.value("PASSWORD")?);
        command.env("COUNTERSIGN_CONFIG", &config).env("COUNTERSIGN_STATE", home.join("state"));
        succeed(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()))?;
        runs.push(functions(&fs::read_to_string(&seen)?));
    }
    drop(provider);
    fs::remove_dir_all(&home)?;
    Ok(merged(runs))
}

/// The functions in a file of callgrind. Each is named once, as `fn=(1) name` or, where it is called, `cfn=(1) name`.
fn functions(seen: &str) -> Vec<String> {
    let named = |line: &str| {
        let function = line.strip_prefix("cfn=").or_else(|| line.strip_prefix("fn="))?;
        let (_, name) = function.split_once(") ")?;
        // `'2` after it is a depth of recursion.
        Some(name.split('\'').next().unwrap_or(name).to_owned())
    };
    seen.lines().filter_map(named).collect()
}

/// All of them once, those of the shortest list first.
fn merged(mut runs: Vec<Vec<String>>) -> Vec<String> {
    runs.sort_by_key(Vec::len);
    let mut known = HashSet::new();
    runs.into_iter().flatten().filter(|function| known.insert(function.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::{functions, merged};

    #[test]
    fn the_functions_of_a_trace_are_put_in_order() {
        let token = "ob=(1) /bin/program\nfl=(1) main.rs\nfn=(1) _ZN4main17hE\n16 3\ncfn=(2) _ZN3get17hE\n\
                     calls=1 16\n16 9\nfn=(2)\n12 4\n";
        let login = "fn=(1) _ZN4send17hE\n1 2\nfn=(3) _ZN4send17hE'2\n1 2\ncfn=(2) _ZN4main17hE\ncfn=(7) memcpy\n";
        let runs = vec![functions(login), functions(token)];
        assert_eq!(merged(runs), ["_ZN4main17hE", "_ZN3get17hE", "_ZN4send17hE", "memcpy"]);
    }
}
