//! What cargo knows of the workspace, and how cargo is called.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::Result;

/// A package as `cargo metadata` shows it.
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    /// The folder of its manifest.
    pub(crate) dir: PathBuf,
    pub(crate) features: BTreeMap<String, Vec<String>>,
    /// The names of its integration tests.
    pub(crate) tests: Vec<String>,
    pub(crate) rust_version: Option<String>,
    /// Whether it is of this workspace, and not somebody else's.
    pub(crate) member: bool,
    pub(crate) published: bool,
}

/// The workspace's folder.
pub(crate) fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// Cargo, to be run in the workspace's folder.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// What every build of tests and of programs selects: cargo unites the features of whatever it is asked for at
/// once, so that with another selection half of the graph would be built anew. Without the features named here
/// some tests are not built.
pub(crate) const SELECTION: [&str; 3] = [
    "--workspace",
    "--features",
    "countersign-cli/keyring,countersign-store-file/keyring,countersign-store-redis/rustls",
];

/// Builds a program of this workspace out of what its tests are built of, and answers where it is.
pub(crate) fn program(name: &str) -> Result<PathBuf> {
    let mut build = cargo();
    build.args(["build", "--quiet", "--locked"]).args(SELECTION).args(["--bin", name]);
    // Cargo counts the features of dev-dependencies only where it builds something of theirs: the smallest.
    succeed(build.args(["--example", "golden"]))?;
    Ok(target_dir()?.join("debug").join(format!("{name}{}", std::env::consts::EXE_SUFFIX)))
}

/// Runs a program of this workspace and takes over its exit code, whose numbers mean different things.
pub(crate) fn run_program(name: &str, command: impl FnOnce(&mut Command)) -> Result<()> {
    let path = program(name)?;
    let mut run = Command::new(&path);
    command(run.current_dir(root()));
    let status = run.status().map_err(|error| format!("{}: {error}", path.display()))?;
    match status.code() {
        Some(0) => Ok(()),
        Some(code) => std::process::exit(code),
        None => Err(format!("{name} was ended by a signal").into()),
    }
}

/// The packages of this workspace, in the order of their names.
pub(crate) fn members() -> Result<Vec<Package>> {
    packages_of(&metadata(&["--no-deps"])?)
}

/// The packages of this workspace and all that any of them may use, on any platform.
pub(crate) fn everything() -> Result<Vec<Package>> {
    packages_of(&metadata(&["--all-features"])?)
}

/// Where cargo puts what it builds.
pub(crate) fn target_dir() -> Result<PathBuf> {
    let metadata = metadata(&["--no-deps"])?;
    let path =
        metadata["target_directory"].as_str().ok_or("cargo metadata names no target directory")?;
    Ok(PathBuf::from(path))
}

/// The files of the repository, from its root: what is committed, or would be by `git add`.
pub(crate) fn tracked() -> Result<Vec<String>> {
    let list = output(
        Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(root()),
    )?;
    let mut paths: Vec<String> =
        list.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect();
    paths.sort();
    paths.dedup();
    Ok(paths)
}

/// Runs a command with its output shown; an error names the command.
pub(crate) fn succeed(command: &mut Command) -> Result<()> {
    let status = command.status().map_err(|error| format!("{}: {error}", described(command)))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("{} ended with {status}", described(command)).into())
    }
}

/// Runs a command and answers its standard output; what it says on standard error is shown.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("{}: {error}", described(command)))?;
    if !output.status.success() {
        return Err(format!("{} ended with {}", described(command), output.status).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// The full path of a program, if the shell would find it.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|dir| dir.join(name))
        .find(|path| path.is_file())
}

fn described(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|arg| arg.to_string_lossy().into_owned()));
    format!("`{}`", words.join(" "))
}

fn metadata(args: &[&str]) -> Result<Value> {
    let text = output(cargo().args(["metadata", "--format-version", "1"]).args(args))?;
    Ok(serde_json::from_str(&text)?)
}

fn packages_of(metadata: &Value) -> Result<Vec<Package>> {
    let members: Vec<&str> =
        list(&metadata["workspace_members"]).iter().filter_map(Value::as_str).collect();
    let mut packages = list(&metadata["packages"])
        .iter()
        .map(|value| package_of(value, &members))
        .collect::<Result<Vec<_>>>()?;
    packages.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(packages)
}

fn package_of(value: &Value, members: &[&str]) -> Result<Package> {
    let text = |key: &str| value[key].as_str().map(str::to_owned);
    let required =
        |key: &str| text(key).ok_or(format!("cargo metadata shows a package without {key}"));
    let manifest = PathBuf::from(required("manifest_path")?);
    let features = value["features"].as_object().map(|features| {
        features.iter().map(|(name, enables)| (name.clone(), strings(enables))).collect()
    });
    let tests = list(&value["targets"])
        .iter()
        .filter(|target| strings(&target["kind"]).iter().any(|kind| kind == "test"))
        .filter_map(|target| target["name"].as_str().map(str::to_owned))
        .collect();
    Ok(Package {
        name: required("name")?,
        version: required("version")?,
        dir: manifest.parent().map(Path::to_owned).unwrap_or_default(),
        features: features.unwrap_or_default(),
        tests,
        rust_version: text("rust_version"),
        member: members.contains(&required("id")?.as_str()),
        // `publish = false` is shown as an empty list of registries.
        published: value["publish"].as_array().is_none_or(|list| !list.is_empty()),
    })
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn strings(value: &Value) -> Vec<String> {
    list(value).iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
}
